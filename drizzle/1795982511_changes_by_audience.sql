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
--> statement-breakpoint
create or replace function muster.caller_audience() returns text[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((select a.audience from muster.audiences_of(array[muster.user_id()]) a), '{}');
end;
--> statement-breakpoint
-- The change feed remembers the groups of its subscribers, and asks with each change whose it has to read again. One row per
-- transaction and user, so that no writer waits for another.
create table if not exists muster.changed_callers (
  changed_xid xid8 not null default pg_current_xact_id(),
  user_id uuid not null,
  changed_at timestamptz not null default now(),
  constraint changed_callers_pkey primary key (changed_xid, user_id)
);
--> statement-breakpoint
create index if not exists changed_callers_changed_at_idx on muster.changed_callers (changed_at);
--> statement-breakpoint
create policy internal on muster.changed_callers to muster_definer using (true) with check (true);
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger note_caller after insert or delete on public.users
  for each row execute function muster.tg_note_caller('id');
--> statement-breakpoint
create or replace trigger note_caller_on_update after update on public.users
  for each row when (
    (old.id, old.tenant_id, old.organization_id, old.role, old.deleted_at)
    is distinct from (new.id, new.tenant_id, new.organization_id, new.role, new.deleted_at)
  )
  execute function muster.tg_note_caller('id');
--> statement-breakpoint
create or replace trigger note_caller after insert or delete on public.security_professionals
  for each row execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create or replace trigger note_caller_on_update after update on public.security_professionals
  for each row when (
    (old.id, old.user_id, old.tenant_id, old.deleted_at)
    is distinct from (new.id, new.user_id, new.tenant_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create or replace function muster.forget_departed_rows() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with forgotten as (
    -- A day longer than a watermark is good for (muster.changes_since).
    delete from muster.departed_rows d where d.departed_at < now() - interval '31 days' returning 1
  ), forgotten_callers as (
    -- The change feed reads all groups again when it has not asked for an hour.
    delete from muster.changed_callers c where c.changed_at < now() - interval '1 day' returning 1
  )
  select (select count(*) from forgotten) + (select count(*) from forgotten_callers);
end;
--> statement-breakpoint
-- What a table's policies for reading say, whatever else its name and comment are.
create or replace function muster.read_policies(relation oid) returns text
language sql
stable
-- Names in the policies are printed with their schemas.
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(E'\n', c.relrowsecurity, c.relforcerowsecurity, (
    select string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, (
      select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
      from unnest(p.polroles) as o (oid)
      left join pg_roles r on r.oid = o.oid
    ), pg_get_expr(p.polqual, p.polrelid)), E'\n' order by p.polname)
    from pg_policy p
    where p.polrelid = c.oid and p.polcmd in ('r', '*')
  )))
  from pg_class c
  where c.oid = relation
$$;
--> statement-breakpoint
create table if not exists muster.audiences (
  relation text not null constraint audiences_pkey primary key,
  columns text[] not null,
  policies text not null
);
--> statement-breakpoint
create policy internal on muster.audiences to muster_definer using (true) with check (true);
--> statement-breakpoint
create or replace function muster.declare_audiences() returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.audiences;
  insert into muster.audiences (relation, columns, policies)
  select d.relation, d.columns, muster.read_policies(to_regclass(format('public.%I', d.relation)))
  from (values
    ('shifts', array['id', 'company_id', 'client_id', 'professional_id', 'status', 'start_datetime']),
    ('shift_briefings', array['id', 'company_id', 'client_id', 'professional_id']),
    ('gps_checkins', array['id', 'company_id', 'client_id', 'professional_id']),
    ('incidents', array['id', 'company_id', 'client_id', 'reported_by']),
    ('finqle_transactions', array['id', 'company_id', 'professional_id']),
    ('notifications', array['id', 'user_id'])
  ) as d (relation, columns);
end;
--> statement-breakpoint
-- Where a policy was changed or added since, or a column is published no more, each subscriber is asked for.
create or replace function muster.has_audience(relation oid, published name[]) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from muster.audiences a
    where has_audience.relation = to_regclass(format('public.%I', a.relation))
      and a.columns <@ published::text[]
      and a.policies = muster.read_policies(has_audience.relation)
  );
end;
--> statement-breakpoint
-- For each of `changes`, `{relation, image, lacks}`: the groups that see the row as the image has it, or null for a row that is
-- gone. An image is what the log says of a row, as `to_jsonb` prints it; what the log does not say of it, its tenant and whether
-- it is deleted, is taken from the row as it is now. A value that the image lacks (`lacks`: columns of large values that an
-- update did not touch) is filled in, as JSON text, from a row that is in everything else still as the image has it.
--
-- `changed` are the users whose groups may have changed since `since_xid`, and `next` is the `since_xid` for the next time: the
-- oldest transaction that was running. Everything is of one snapshot, which sees `xids`. Null: there was none within `patience`.
create or replace function muster.change_audiences(
  changes jsonb, xids bigint[], patience interval, since_xid xid8
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  if not muster.await_xids(xids, patience) then
    return null;
  end if;
  return (
    with asked as materialized (
      select
        c.nth, c.value ->> 'relation' as relation, c.value -> 'image' as image,
        (c.value #>> '{image,id}')::uuid as id, c.value -> 'lacks' as lacks
      from jsonb_array_elements(changes) with ordinality c (value, nth)
    ), present as (
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end as whole
      from asked a join public.shifts r on r.id = a.id where a.relation = 'shifts'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.gps_checkins r on r.id = a.id where a.relation = 'gps_checkins'
      union all
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.shift_briefings r on r.id = a.id where a.relation = 'shift_briefings'
      union all
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.incidents r on r.id = a.id where a.relation = 'incidents'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.finqle_transactions r on r.id = a.id where a.relation = 'finqle_transactions'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.notifications r on r.id = a.id where a.relation = 'notifications'
    )
    select jsonb_build_object(
      'changes', jsonb_agg(
        case when p.nth is not null then jsonb_build_object(
          'audience', muster.audience(
            a.relation,
            a.image || jsonb_build_object('tenant_id', p.tenant_id, 'deleted_at', p.deleted_at),
            clock_timestamp()
          ),
          'filled', case when p.whole || a.image = p.whole then (
            select jsonb_object_agg(l.name, (p.whole -> l.name)::text)
            from jsonb_array_elements_text(a.lacks) as l (name)
          ) end
        ) end
        order by a.nth
      ),
      'changed', (
        select jsonb_agg(distinct c.user_id) from muster.changed_callers c where c.changed_xid >= since_xid
      ),
      'next', pg_snapshot_xmin(pg_current_snapshot())::text
    )
    from asked a
    left join present p using (nth)
  );
end
$$;
--> statement-breakpoint
alter function muster.declare_audiences() owner to muster_definer;
--> statement-breakpoint
alter function muster.audiences_of(uuid[]) owner to muster_definer;
--> statement-breakpoint
alter function muster.caller_audience() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_note_caller() owner to muster_definer;
--> statement-breakpoint
alter function muster.has_audience(oid,name[]) owner to muster_definer;
--> statement-breakpoint
alter function muster.change_audiences(jsonb,bigint[],interval,xid8) owner to muster_definer;
--> statement-breakpoint
alter table muster.changed_callers enable row level security;
--> statement-breakpoint
alter table muster.changed_callers force row level security;
--> statement-breakpoint
alter table muster.audiences enable row level security;
--> statement-breakpoint
alter table muster.audiences force row level security;
--> statement-breakpoint
alter table public.users enable always trigger note_caller;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
alter table public.security_professionals enable always trigger note_caller;
--> statement-breakpoint
alter table public.security_professionals enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke all on table muster.changed_callers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table muster.audiences from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.declare_audiences() from public;
--> statement-breakpoint
revoke execute on function muster.audiences_of(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.read_policies(oid) from public;
--> statement-breakpoint
revoke execute on function muster.tg_note_caller() from public;
--> statement-breakpoint
revoke execute on function muster.has_audience(oid,name[]) from public;
--> statement-breakpoint
revoke execute on function muster.change_audiences(jsonb,bigint[],interval,xid8) from public;
--> statement-breakpoint
grant execute on function muster.audiences_of(uuid[]) to muster_api;
--> statement-breakpoint
grant execute on function muster.await_xids(bigint[],interval) to muster_definer;
--> statement-breakpoint
grant execute on function muster.change_audiences(jsonb,bigint[],interval,xid8) to muster_api;
--> statement-breakpoint
grant execute on function muster.has_audience(oid,name[]) to muster_api;
--> statement-breakpoint
grant execute on function muster.read_policies(oid) to muster_definer;
--> statement-breakpoint
grant delete, insert, select on table muster.audiences to muster_definer;
--> statement-breakpoint
grant delete, insert, select on table muster.changed_callers to muster_definer;
--> statement-breakpoint
grant select on table public.incidents to muster_definer;
--> statement-breakpoint
grant select on table public.notifications to muster_definer;
--> statement-breakpoint
comment on function muster.audiences_of(uuid[]) is
  'The groups to which each of many callers belongs. Security definer: the change feed asks for all of its subscribers.';
--> statement-breakpoint
comment on function muster.caller_audience() is
  'The groups to which the caller belongs. Security definer: nobody else''s are told.';
--> statement-breakpoint
comment on table muster.changed_callers is
  'Users whose groups may have changed, by the transaction that did it. Kept for a day.';
--> statement-breakpoint
comment on policy internal on muster.changed_callers is 'The security definer functions of realtime.sql.';
--> statement-breakpoint
comment on function muster.tg_note_caller() is
  'Notes whose groups may have changed. Security definer: no caller may write or read that list.';
--> statement-breakpoint
comment on function muster.forget_departed_rows() is
  'Ends the retention of departed rows, and of users whose groups changed. For background work.';
--> statement-breakpoint
comment on function muster.read_policies(oid) is 'A digest of the policies that decide who reads a table.';
--> statement-breakpoint
comment on table muster.audiences is
  'Tables of which muster.audience knows the readers: by which of the published columns, and for which policies.';
--> statement-breakpoint
comment on policy internal on muster.audiences is 'The security definer functions of realtime.sql.';
--> statement-breakpoint
comment on function muster.declare_audiences() is
  'Says that muster.audience holds for the policies that the tables have now. Security definer: the declarations are nobody''s to write.';
--> statement-breakpoint
comment on function muster.has_audience(oid, name[]) is
  'Whether muster.audience says who reads a table. Security definer: the declarations are nobody''s to read.';
--> statement-breakpoint
comment on function muster.change_audiences(jsonb, bigint[], interval, xid8) is
  'Which groups see which changes. Security definer: it reads the rows for the change feed, and tells of values only those that the log left out.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982511_changes_by_audience';
