-- Transaction ids mean something in one history only: not after a restore into another cluster, nor after a recovery to
-- an earlier point (a new timeline), nor in a copy of the database. Cluster, timeline and database tell most histories apart.
-- Not a data folder that was put back as it was, nor two embedded databases, which begin as copies of one folder: for those
-- there is the epoch, which muster.begin_history renews.
create table if not exists muster.history (
  only_row boolean not null default true,
  epoch uuid not null default gen_random_uuid(),
  begun_at timestamptz not null default now(),
  constraint history_pkey primary key (only_row),
  constraint history_one_row check (only_row)
);
--> statement-breakpoint
insert into muster.history default values on conflict do nothing;
--> statement-breakpoint
comment on table muster.history is 'The epoch of the history to which transaction ids belong: one row.';
--> statement-breakpoint
alter table muster.history enable row level security;
--> statement-breakpoint
alter table muster.history force row level security;
--> statement-breakpoint
revoke all on muster.history from public, anon, authenticated, service_role;
--> statement-breakpoint
drop policy if exists internal on muster.history;
--> statement-breakpoint
create policy internal on muster.history to muster_definer using (true) with check (true);
--> statement-breakpoint
comment on policy internal on muster.history is 'The security definer functions of catch-up.sql.';
--> statement-breakpoint
grant select on muster.history to muster_definer;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992904_histories_have_an_epoch';
