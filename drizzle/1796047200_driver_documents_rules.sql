create or replace function muster.warn_of_expiring_documents(module text) returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  steps constant integer[] := array[30, 7, 1];
  today constant date := (now() at time zone 'UTC')::date;
  told bigint;
begin
  execute format(
    $tell$
      with told as (
        insert into public.notifications (tenant_id, user_id, type, data, once_key)
        select e.tenant_id, e.user_id, e.type, e.data || jsonb_build_object('days', w.days),
          concat_ws(' ', e.type, e.document_id, e.expires_on, w.days)
        from muster.%I($1, $1 + $3) e
        cross join lateral (select min(s.days) as days from unnest($2) as s (days) where e.expires_on - $1 <= s.days) w
        on conflict (user_id, once_key) where once_key is not null do nothing
        returning 1
      )
      select count(*) from told
    $tell$,
    'expiring_documents_of_' || module
  ) into told using today, steps, steps[1];
  return told;
end
$$;
--> statement-breakpoint
create or replace function muster.expiring_documents_of_guarding(first_day date, last_day date)
returns table (tenant_id uuid, user_id uuid, type text, document_id uuid, expires_on date, data jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select p.tenant_id, p.user_id, 'certificate_expiring'::text as type, c.id as document_id, c.valid_until as expires_on,
    jsonb_build_object('certificate_id', c.id, 'kind', c.kind, 'valid_until', c.valid_until) as data
  from public.certificates c
  join public.security_professionals p on p.id = c.professional_id
  where c.deleted_at is null
    and c.verified_at is not null
    and c.valid_until between first_day and last_day
    and not exists (
      select from public.certificates l
      where l.professional_id = c.professional_id
        and l.kind = c.kind
        and l.company_id is not distinct from c.company_id
        and l.valid_until > c.valid_until
        and l.verified_at is not null
        and l.deleted_at is null
    );
end;
--> statement-breakpoint
create or replace function muster.warn_of_expiring_certificates() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
return muster.warn_of_expiring_documents('guarding');
--> statement-breakpoint
create or replace function muster.codes_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'load_not_open', 'MU400',
  'load_state', 'MU401',
  'driver_overlap', 'MU402',
  'truck_overlap', 'MU403',
  'trailer_overlap', 'MU404',
  'driver_in_use', 'MU405',
  'equipment_in_use', 'MU406',
  'broker_in_use', 'MU407',
  'document_in_use', 'MU408',
  'driver_inactive', 'MU410',
  'license_expired', 'MU411',
  'equipment_out_of_service', 'MU412',
  'inspection_expired', 'MU413',
  'leg_outside_load', 'MU414',
  'stops_invalid', 'MU415',
  'stop_in_future', 'MU416',
  'license_missing', 'MU417',
  'medical_card_missing', 'MU418',
  'medical_card_expired', 'MU419'
);
--> statement-breakpoint
create or replace function muster.audience_of_driver_documents(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_driver_documents(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when r.deleted_at is null then array_remove(
        muster.audience_of_driver_documents((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.driver_documents r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'driver_documents'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER c_edit_trail BEFORE INSERT OR UPDATE ON public.driver_documents FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.driver_documents FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.driver_documents FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.driver_documents FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.driver_documents FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.driver_documents for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.driver_documents (created_at, driver_id, expiry_date, id, is_verified, kind, number, organization_id, updated_at, verified_at, verified_by);
--> statement-breakpoint
create or replace function muster.required_documents() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array['license', 'medical_card'];
--> statement-breakpoint
-- Runs with the rights of whoever writes: a driver that they do not see does not exist.
create or replace function muster.tg_driver_documents__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_driver_documents__set_verifier() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and new.verified_at is not distinct from old.verified_at then
    if (new.driver_id, new.kind, new.number, new.expiry_date) is distinct from (old.driver_id, old.kind, old.number, old.expiry_date) then
      new.verified_at := null;
    end if;
    new.verified_by := old.verified_by;
  elsif muster.user_id() is not null then
    new.verified_at := case when new.verified_at is not null then now() end;
    new.verified_by := muster.user_id();
  end if;
  new.is_verified := new.verified_at is not null;
  if not new.is_verified then
    new.verified_by := null;
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_driver_documents__check_in_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.require_read_committed();
  perform from public.drivers d where d.id = old.driver_id for no key update;
  if exists (
    select from muster.load_bookings b
    join public.load_assignments a on a.id = b.assignment_id
    where b.kind = 'driver'
      and b.booked_id = old.driver_id
      and not exists (
        select from public.driver_documents d
        where d.driver_id = old.driver_id
          and d.kind = old.kind
          and d.is_verified
          and d.deleted_at is null
          and d.expiry_date >= a.last_day
      )
  ) then
    perform muster.fail('document_in_use', old.kind);
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.expiring_documents_of_freight(first_day date, last_day date)
returns table (tenant_id uuid, user_id uuid, type text, document_id uuid, expires_on date, data jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select d.tenant_id, told.id as user_id, 'driver_document_expiring'::text as type, c.id as document_id, c.expiry_date as expires_on,
    jsonb_build_object('document_id', c.id, 'driver_id', d.id, 'driver', d.name, 'kind', c.kind, 'expiry_date', c.expiry_date) as data
  from public.driver_documents c
  join public.drivers d on d.id = c.driver_id
  cross join lateral (
    select d.user_id as id
    union
    select office.id from muster.members_as('office', d.organization_id) office (id)
  ) told
  where c.is_verified
    and c.deleted_at is null
    and c.expiry_date between first_day and last_day
    and d.status <> 'terminated'
    and d.deleted_at is null;
end;
--> statement-breakpoint
create or replace function muster.warn_of_expiring_driver_documents() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
return muster.warn_of_expiring_documents('freight');
--> statement-breakpoint
create or replace trigger a_copy_driver before insert on public.driver_documents
  for each row execute function muster.tg_driver_documents__copy_driver();
--> statement-breakpoint
create or replace trigger b_set_verifier before insert or update on public.driver_documents
  for each row execute function muster.tg_driver_documents__set_verifier();
--> statement-breakpoint
create or replace trigger check_in_use after update on public.driver_documents
  for each row when (
    old.is_verified
    and old.deleted_at is null
    and old.kind = any (muster.required_documents())
    and (
      not new.is_verified
      or new.deleted_at is not null
      or new.expiry_date < old.expiry_date
      or new.kind <> old.kind
      or new.driver_id <> old.driver_id
    )
  )
  execute function muster.tg_driver_documents__check_in_use();
--> statement-breakpoint
create or replace trigger check_in_use_on_delete after delete on public.driver_documents
  for each row when (old.is_verified and old.deleted_at is null and old.kind = any (muster.required_documents()))
  execute function muster.tg_driver_documents__check_in_use();
--> statement-breakpoint
create policy driver_documents_read on public.driver_documents for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or driver_id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create policy driver_documents_create on public.driver_documents for insert to authenticated
  with check (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy driver_documents_edit on public.driver_documents for update to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or driver_id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    case
      when not is_verified then organization_id = (select muster.carrier_id())
        or driver_id = (select muster.driver_id())
        or tenant_id = (select muster.admin_tenant_id())
      else driver_id is distinct from (select muster.driver_id())
        and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
    end
  );
--> statement-breakpoint
create policy driver_documents_remove on public.driver_documents for delete to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.office_carrier_id())
      or tenant_id = (select muster.admin_tenant_id())
      or (not is_verified and (organization_id = (select muster.carrier_id()) or driver_id = (select muster.driver_id())))
    )
  );
--> statement-breakpoint
-- Every reason against each of the drivers, in one query however many they are. In plpgsql, so that its plan is cached.
create or replace function muster.driver_violations(leg public.load_assignments, drivers uuid[])
returns table (driver_id uuid, nth integer, code text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select g.id, v.nth, v.code
    from unnest(drivers) as g (id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    cross join lateral (
      select 1 as nth, 'not_found' as code where d.id is null
      union all
      select 2, 'driver_inactive'
      where d.status <> 'active'
        or d.hire_date > leg.last_day
        or d.termination_date < leg.last_day
        or (d.id is not null and not exists (
          select from public.memberships m
          join public.users u on u.id = m.user_id
          where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
            and u.suspended_at is null
        ))
      union all
      select 2 + r.nth::integer, r.kind || case when c.id is null then '_missing' else '_expired' end
      from unnest(muster.required_documents()) with ordinality as r (kind, nth)
      left join public.driver_documents c on c.driver_id = d.id and c.kind = r.kind and c.is_verified and c.deleted_at is null
      where d.id is not null
        and (c.id is null or c.expiry_date < leg.last_day or (r.kind = 'license' and d.license_valid_until < leg.last_day))
      union all
      select 100, 'driver_overlap'
      where exists (
        select from muster.load_bookings b
        where b.kind = 'driver'
          and b.booked_id = d.id
          and b.assignment_id <> leg.id
          and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
      )
    ) v;
end
$$;
--> statement-breakpoint
-- Every reason against a leg as it is given. `detail` is the field that names whom or what the reason is about.
create or replace function muster.leg_violations(leg public.load_assignments) returns table (code text, detail text)
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  vehicle record;
begin
  return query
    select v.code, g.field
    from (values (1, 'driver_id', leg.driver_id), (2, 'co_driver_id', leg.co_driver_id)) as g (nth, field, id)
    cross join lateral muster.driver_violations(leg, array[g.id]) v
    where g.id is not null
    order by g.nth, v.nth;

  for vehicle in
    select 'truck' as kind, leg.truck_id as given, t.id, t.status, t.inspection_due_on
    from (values (leg.truck_id)) as g (id)
    left join public.trucks t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
    union all
    select 'trailer', leg.trailer_id, t.id, t.status, t.inspection_due_on
    from (values (leg.trailer_id)) as g (id)
    left join public.trailers t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
  loop
    continue when vehicle.given is null;
    detail := vehicle.kind || '_id';
    if vehicle.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if vehicle.status <> 'in_service' then
      code := 'equipment_out_of_service';
      return next;
    end if;
    if vehicle.inspection_due_on < leg.last_day then
      code := 'inspection_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = vehicle.kind
        and b.booked_id = vehicle.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := vehicle.kind || '_overlap';
      return next;
    end if;
  end loop;
end
$$;
--> statement-breakpoint
create or replace function muster.load_candidates(wanted uuid)
returns table (driver_id uuid, name text, violations jsonb, violation_count integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load public.loads;
  leg public.load_assignments;
begin
  select l.* into load from public.loads l where l.id = wanted;
  if not muster.sees_load(load) then
    perform muster.fail('not_found', 'id');
  elsif not muster.plans_load(load) then
    perform muster.fail('forbidden');
  elsif load.status not in ('pending', 'assigned', 'in_transit') then
    perform muster.fail('load_not_open', 'status');
  end if;
  leg.id := gen_random_uuid();
  leg := muster.planned_leg(leg, load);
  return query
    with of_carrier as materialized (
      select d.id, d.name
      from public.drivers d
      where d.organization_id = load.organization_id and d.status <> 'terminated' and d.deleted_at is null
    ), against as (
      select v.driver_id, jsonb_agg(jsonb_build_object('code', v.code) order by v.nth) as violations, count(*)::integer as violation_count
      from muster.driver_violations(leg, array(select c.id from of_carrier c)) v
      group by v.driver_id
    )
    select c.id, c.name, coalesce(a.violations, '[]'), coalesce(a.violation_count, 0)
    from of_carrier c
    left join against a on a.driver_id = c.id;
end
$$;
--> statement-breakpoint
create or replace function muster.notification_types_of_freight() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array['load_assigned', 'load_unassigned', 'load_changed', 'load_cancelled', 'load_driver_suspended', 'driver_document_expiring'];
--> statement-breakpoint
alter function muster.warn_of_expiring_driver_documents() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_driver_documents__check_in_use() owner to muster_definer;
--> statement-breakpoint
alter function muster.load_candidates(uuid) owner to muster_definer;
--> statement-breakpoint
alter table public.driver_documents enable row level security;
--> statement-breakpoint
alter table public.driver_documents force row level security;
--> statement-breakpoint
revoke all on table public.driver_documents from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.expiring_documents_of_freight(date,date) from public;
--> statement-breakpoint
revoke execute on function muster.warn_of_expiring_driver_documents() from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_documents__check_in_use() from public;
--> statement-breakpoint
revoke execute on function muster.warn_of_expiring_documents(text) from public;
--> statement-breakpoint
revoke execute on function muster.expiring_documents_of_guarding(date,date) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_driver_documents(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_driver_documents(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_documents__copy_driver() from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_documents__set_verifier() from public;
--> statement-breakpoint
revoke execute on function muster.required_documents() from public;
--> statement-breakpoint
revoke execute on function muster.driver_violations(load_assignments,uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.load_candidates(uuid) from public;
--> statement-breakpoint
grant execute on function muster.audience_of_driver_documents(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.driver_violations(load_assignments,uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.expiring_documents_of_freight(date,date) to muster_definer;
--> statement-breakpoint
grant execute on function muster.expiring_documents_of_guarding(date,date) to muster_definer;
--> statement-breakpoint
grant execute on function muster.load_candidates(uuid) to authenticated;
--> statement-breakpoint
grant execute on function muster.required_documents() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.seen_of_driver_documents(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.warn_of_expiring_documents(text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.warn_of_expiring_driver_documents() to muster_jobs, service_role;
--> statement-breakpoint
grant delete, select, insert (driver_id, expiry_date, id, kind, number), update (expiry_date, number, verified_at) on table public.driver_documents to authenticated;
--> statement-breakpoint
grant select, update on table public.driver_documents to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.driver_documents to service_role;
--> statement-breakpoint
comment on function muster.warn_of_expiring_documents(text) is
  'Tells of the documents of a module that end 30, 7 or 1 days from now, each step once. For the background work of the module.';
--> statement-breakpoint
comment on function muster.expiring_documents_of_guarding(date, date) is
  'The verified certificates that end in these days and that no later one replaces, for their guards. For muster.warn_of_expiring_documents.';
--> statement-breakpoint
comment on function muster.audience_of_driver_documents(jsonb, timestamptz) is
  'Who sees a document of a driver: driver_documents_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.driver_documents is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_driver_documents(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.required_documents() is 'The kinds of documents without which nobody drives a load (49 CFR 391.11, 391.41).';
--> statement-breakpoint
comment on function muster.tg_driver_documents__copy_driver() is 'Whose a document is, as its driver says.';
--> statement-breakpoint
comment on function muster.tg_driver_documents__set_verifier() is
  'Who verified, and when, is not for the client to say; what was verified is not another number or day.';
--> statement-breakpoint
comment on function muster.tg_driver_documents__check_in_use() is
  'A load keeps the documents that it rests on. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
comment on function muster.expiring_documents_of_freight(date, date) is
  'The verified documents that end in these days, for the driver and each of the office. For muster.warn_of_expiring_documents.';
--> statement-breakpoint
comment on function muster.warn_of_expiring_driver_documents() is
  'Background work: drivers and the office learn in time that a document ends. Security definer: it writes other people''s notifications.';
--> statement-breakpoint
comment on policy driver_documents_read on public.driver_documents is
  'Office and dispatchers those of their carrier; drivers their own; admins all of the tenant.';
--> statement-breakpoint
comment on policy driver_documents_create on public.driver_documents is
  'Whoever sees the driver; that it is verified is not granted.';
--> statement-breakpoint
comment on policy driver_documents_edit on public.driver_documents is
  'Whoever sees it. What is verified afterwards, the office and admins wrote, and not of themselves.';
--> statement-breakpoint
comment on policy driver_documents_remove on public.driver_documents is
  'The office of its carrier, and admins; dispatchers and drivers what is not verified.';
--> statement-breakpoint
comment on function muster.driver_violations(public.load_assignments, uuid[]) is
  'Every rule that a leg of a load would break for each of the drivers, the first of the list first by `nth`.';
--> statement-breakpoint
comment on function muster.load_candidates(uuid) is
  'The drivers of the carrier with everything that speaks against each, for those who plan the load. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796047200_driver_documents_rules';
