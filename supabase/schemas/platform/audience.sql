-- Audience: the groups of callers that see a row of a published table, and the groups to which a caller belongs.
--
-- * A change of a published table is delivered to those who see the row as the change left it: muster.audience names the groups
--   of callers that do, so that one question per change answers for all subscribers. It says once more what the read policies
--   say: a test holds the two alike.
-- * The change feed remembers the groups of its subscribers; muster.changed_callers tells it whose it has to read again.

-- The read policies of the published tables once more, as names of groups of callers: a test holds the two alike.
-- `at` is when; null stands for any time before the shift began.
create or replace function muster.audience(relation text, viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return case when viewed ->> 'deleted_at' is null then array_remove(array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'user:' || coalesce(viewed ->> 'user_id', viewed ->> 'reported_by'),
  case when relation <> 'shifts' or viewed ->> 'status' <> 'draft' then
    'client:' || (viewed ->> 'client_id')
  end,
  'professional:' || (viewed ->> 'professional_id'),
  case when relation = 'shifts'
    and viewed ->> 'status' = 'published'
    and (at is null or (viewed ->> 'start_datetime')::timestamptz > at)
  then
    'guards:' || (viewed ->> 'tenant_id')
  end
], null) else '{}' end;
comment on function muster.audience(text, jsonb, timestamptz) is 'The groups of callers that see a row of a published table.';

create or replace function muster.audiences_of(callers uuid[]) returns table (caller uuid, audience text[])
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  -- A deleted user has a token, and no tenant.
  select u.id, array_remove(array[
    'user:' || u.id,
    case u.role when 'admin' then 'admins:' || u.tenant_id end,
    case u.role when 'company' then 'company:' || u.organization_id end,
    case u.role when 'client' then 'client:' || u.organization_id end,
    case u.role when 'zzp' then 'guards:' || u.tenant_id end,
    case u.role when 'zzp' then 'professional:' || p.id end
  ], null)
  from public.users u
  left join public.security_professionals p on p.user_id = u.id and p.deleted_at is null
  where u.id = any (callers) and u.deleted_at is null;
end;
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
