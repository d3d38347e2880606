-- Audience: the groups of callers that see a row of a published table, and the groups to which a caller belongs.
--
-- * A change of a published table is delivered to those who see the row as the change left it: the groups of callers that do are
--   named, so that one question per change answers for all subscribers.
-- * Each table names its own: muster.audience_of_<table>(viewed, at), beside its read policy, which it says once more as names of
--   groups (null is none). A test holds the two alike. `viewed` is the row as JSON, `at` is when; null stands for any time before.
--   A deleted row is nobody's.
-- * Each module says to which groups callers belong: muster.groups_of_<module>(callers).
-- * The change feed remembers the groups of its subscribers; muster.changed_callers tells it whose it has to read again.

create or replace function muster.audience(relation text, viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  groups text[];
begin
  if viewed ->> 'deleted_at' is not null then
    return '{}';
  end if;
  execute format('select array_remove(muster.%I($1, $2), null)', 'audience_of_' || relation) into groups using viewed, at;
  return groups;
end
$$;
comment on function muster.audience(text, jsonb, timestamptz) is
  'The groups of callers that see a row of a published table, as its muster.audience_of_<table> says.';

create or replace function muster.audiences_of(callers uuid[]) returns table (caller uuid, audience text[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  groups text;
  part jsonb;
  found_ jsonb := '{}';
begin
  for groups in select muster.functions_of('groups') loop
    execute format('select jsonb_object_agg(g.caller, array_remove(g.groups, null)) from muster.%I($1) g', groups)
    into part using callers;
    found_ := found_ || coalesce(
      (select jsonb_object_agg(p.key, coalesce(found_ -> p.key, '[]') || p.value) from jsonb_each(part) p), '{}'
    );
  end loop;
  return query
    select f.key::uuid, array(select jsonb_array_elements_text(f.value)) from jsonb_each(found_) f;
end
$$;
comment on function muster.audiences_of(uuid[]) is
  'The groups to which each of many callers belongs. Security definer: the change feed asks for all of its subscribers.';

create or replace function muster.caller_audience() returns text[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((select a.audience from muster.audiences_of(array[muster.user_id()]) a), '{}');
end;
comment on function muster.caller_audience() is
  'The groups to which the caller belongs. Security definer: nobody else''s are told.';

-- The change feed remembers the groups of its subscribers, and asks with each change whose it has to read again. One row per
-- transaction and user, so that no writer waits for another.
create table if not exists muster.changed_callers (
  changed_xid xid8 not null default pg_current_xact_id(),
  user_id uuid not null,
  changed_at timestamptz not null default now(),
  constraint changed_callers_pkey primary key (changed_xid, user_id)
);
comment on table muster.changed_callers is
  'Users whose groups may have changed, by the transaction that did it. Kept for a day.';
create index if not exists changed_callers_changed_at_idx on muster.changed_callers (changed_at);

alter table muster.changed_callers enable row level security;
alter table muster.changed_callers force row level security;
revoke all on muster.changed_callers from public, anon, authenticated, service_role;
drop policy if exists internal on muster.changed_callers;
create policy internal on muster.changed_callers to muster_definer using (true) with check (true);
comment on policy internal on muster.changed_callers is 'The security definer functions of audience.sql.';

create or replace function muster.tg_note_caller() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- The column that names the user differs: `id` of users, `user_id` of professionals.
  column_ constant text := tg_argv[0];
begin
  insert into muster.changed_callers (user_id)
  select distinct c.id
  from unnest(array[(to_jsonb(old) ->> column_)::uuid, (to_jsonb(new) ->> column_)::uuid]) as c (id)
  where c.id is not null
  on conflict do nothing;
  return null;
end
$$;
comment on function muster.tg_note_caller() is
  'Notes whose groups may have changed. Security definer: no caller may write or read that list.';

grant select, insert, delete on muster.changed_callers to muster_definer;

grant execute on function muster.audience(text, jsonb, timestamptz) to muster_definer;
grant execute on function muster.caller_audience() to authenticated, muster_definer;
grant execute on function muster.audiences_of(uuid[]) to muster_api;

alter function muster.audiences_of(uuid[]) owner to muster_definer;
alter function muster.caller_audience() owner to muster_definer;
alter function muster.tg_note_caller() owner to muster_definer;
