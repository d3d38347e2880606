alter publication supabase_realtime drop table public.driver_documents;
--> statement-breakpoint
drop policy driver_documents_remove on public.driver_documents;
--> statement-breakpoint
drop policy driver_documents_edit on public.driver_documents;
--> statement-breakpoint
drop policy driver_documents_create on public.driver_documents;
--> statement-breakpoint
drop policy driver_documents_read on public.driver_documents;
--> statement-breakpoint
drop policy internal on public.driver_documents;
--> statement-breakpoint
drop trigger check_in_use_on_delete on public.driver_documents;
--> statement-breakpoint
drop trigger check_in_use on public.driver_documents;
--> statement-breakpoint
drop trigger b_set_verifier on public.driver_documents;
--> statement-breakpoint
drop trigger a_copy_driver on public.driver_documents;
--> statement-breakpoint
drop trigger note_departure_on_update on public.driver_documents;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.driver_documents;
--> statement-breakpoint
drop trigger z_stamp_change on public.driver_documents;
--> statement-breakpoint
drop trigger soft_delete on public.driver_documents;
--> statement-breakpoint
drop trigger c_edit_trail on public.driver_documents;
--> statement-breakpoint
drop function muster.load_candidates(uuid);
--> statement-breakpoint
drop function muster.driver_violations(load_assignments,uuid[]);
--> statement-breakpoint
drop function muster.warn_of_expiring_driver_documents();
--> statement-breakpoint
drop function muster.expiring_documents_of_freight(date,date);
--> statement-breakpoint
drop function muster.tg_driver_documents__check_in_use();
--> statement-breakpoint
drop function muster.tg_driver_documents__set_verifier();
--> statement-breakpoint
drop function muster.tg_driver_documents__copy_driver();
--> statement-breakpoint
drop function muster.required_documents();
--> statement-breakpoint
drop function muster.seen_of_driver_documents(jsonb);
--> statement-breakpoint
drop function muster.audience_of_driver_documents(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.warn_of_expiring_certificates();
--> statement-breakpoint
drop function muster.expiring_documents_of_guarding(date,date);
--> statement-breakpoint
drop function muster.warn_of_expiring_documents(text);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.warn_of_expiring_certificates()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH told AS (
          INSERT INTO notifications (tenant_id, user_id, type, data, once_key)  SELECT p.tenant_id,
                     p.user_id,
                     'certificate_expiring',
                     jsonb_build_object('certificate_id', c.id, 'kind', c.kind, 'valid_until', c.valid_until, 'days', w.days) AS jsonb_build_object,
                     format('certificate_expiring %s %s %s'::text, c.id, c.valid_until, w.days) AS format
                    FROM ((certificates c
                      JOIN security_professionals p ON ((p.id = c.professional_id)))
                      CROSS JOIN LATERAL ( SELECT min(d.days) AS days
                            FROM unnest(ARRAY[30, 7, 1]) d(days)
                           WHERE ((c.valid_until - ((now() AT TIME ZONE 'UTC'::text))::date) <= d.days)) w)
                   WHERE ((c.deleted_at IS NULL) AND (c.verified_at IS NOT NULL) AND (c.valid_until >= ((now() AT TIME ZONE 'UTC'::text))::date) AND (w.days IS NOT NULL) AND (NOT (EXISTS ( SELECT
                            FROM certificates l
                           WHERE ((l.professional_id = c.professional_id) AND (l.kind = c.kind) AND (NOT (l.company_id IS DISTINCT FROM c.company_id)) AND (l.valid_until > c.valid_until) AND (l.verified_at IS NOT NULL) AND (l.deleted_at IS NULL)))))) ON CONFLICT(user_id, once_key)
           WHERE (once_key IS NOT NULL) DO NOTHING
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM told;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.leg_violations(leg load_assignments)
 RETURNS TABLE(code text, detail text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  person record;
  vehicle record;
begin
  for person in
    select g.field, d.id, d.status, d.hire_date, d.termination_date, d.license_valid_until, exists (
      select from public.memberships m
      join public.users u on u.id = m.user_id
      where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
        and u.suspended_at is null
    ) as is_member
    from (values (1, 'driver_id', leg.driver_id), (2, 'co_driver_id', leg.co_driver_id)) as g (nth, field, id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    where g.id is not null
    order by g.nth
  loop
    detail := person.field;
    if person.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if person.status <> 'active' or not person.is_member or person.hire_date > leg.last_day or person.termination_date < leg.last_day then
      code := 'driver_inactive';
      return next;
    end if;
    if person.license_valid_until < leg.last_day then
      code := 'license_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = 'driver'
        and b.booked_id = person.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := 'driver_overlap';
      return next;
    end if;
  end loop;

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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_freight()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['load_assigned'::text, 'load_unassigned'::text, 'load_changed'::text, 'load_cancelled'::text, 'load_driver_suspended'::text];
--> statement-breakpoint
alter function muster.warn_of_expiring_certificates() owner to muster_definer;
--> statement-breakpoint
alter table public.driver_documents disable row level security;
--> statement-breakpoint
alter table public.driver_documents no force row level security;
--> statement-breakpoint
revoke delete, select, insert (driver_id, expiry_date, id, kind, number), update (expiry_date, number, verified_at) on table public.driver_documents from authenticated;
--> statement-breakpoint
revoke select, update on table public.driver_documents from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.driver_documents from service_role;
--> statement-breakpoint
revoke execute on function muster.warn_of_expiring_certificates() from public;
--> statement-breakpoint
grant execute on function muster.warn_of_expiring_certificates() to muster_jobs, service_role;
--> statement-breakpoint
comment on function muster.warn_of_expiring_certificates() is 'Background work: guards learn in time that a certificate expires. Security definer: it writes other people''s notifications.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796041099_driver_documents';
