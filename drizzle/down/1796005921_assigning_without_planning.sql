CREATE OR REPLACE FUNCTION muster.manages_shift(shift shifts)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(shift.company_id = muster.company_id() or shift.tenant_id = muster.admin_tenant_id(), false)
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.sees_shift(shift shifts)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select shift.deleted_at is null and coalesce(
    muster.manages_shift(shift)
    or (shift.client_id = muster.client_id() and shift.status <> 'draft')
    or shift.professional_id = muster.professional_id()
    or (
      shift.tenant_id = muster.guard_tenant_id() and shift.status = 'published' and shift.start_datetime > now()
    ),
    false
  )
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_professional(shift shifts, professional uuid, notification_type text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO notifications (tenant_id, user_id, type, data)  SELECT p.tenant_id,
             p.user_id,
             notify_professional.notification_type AS notification_type,
             jsonb_build_object('shift_id', (notify_professional.shift).id, 'title', (notify_professional.shift).title, 'start_datetime', (notify_professional.shift).start_datetime, 'end_datetime', (notify_professional.shift).end_datetime, 'cancel_reason', (notify_professional.shift).cancel_reason) AS jsonb_build_object
            FROM security_professionals p
           WHERE (p.id = notify_professional.professional);
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_check_payment()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  checked uuid[];
begin
  if tg_table_name = 'shifts' then
    checked := array[new.id];
  else
    checked := array[old.shift_id, new.shift_id];
  end if;
  if exists (
    select from public.shifts s
    where s.id = any (checked)
      and s.status in ('assigned', 'active', 'completed')
      and not exists (
        select from public.assignments a
        where a.shift_id = s.id
          and a.professional_id = s.professional_id
          and case s.status when 'completed' then a.ended_as = 'completed' else a.ended_at is null end
      )
  ) or exists (
    select from public.assignments a
    where a.shift_id = any (checked)
      and (a.ended_as is null or a.ended_as in ('completed', 'stopped'))
      and not exists (
        select from public.finqle_transactions t
        where t.assignment_id = a.id and t.professional_id = a.professional_id and t.shift_id = a.shift_id
          and t.status <> 'voided'
      )
  ) then
    perform muster.fail('payment_missing');
  end if;
  if exists (
    select from public.finqle_transactions t
    join public.assignments a on a.id = t.assignment_id
    where t.shift_id = any (checked)
      and t.status <> 'voided'
      and a.ended_as not in ('completed', 'stopped')
  ) then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  return null;
end
$function$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796005361_approvals_lock_in_one_order';
