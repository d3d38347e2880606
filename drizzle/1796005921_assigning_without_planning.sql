-- In plpgsql, so that its plan is kept.
create or replace function muster.notify_professional(shift public.shifts, professional uuid, notification_type text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select p.tenant_id, p.user_id, notification_type, jsonb_build_object(
    'shift_id', shift.id,
    'title', shift.title,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime,
    'cancel_reason', shift.cancel_reason
  )
  from public.security_professionals p
  where p.id = professional;
end
$$;
--> statement-breakpoint
-- Deferred to the commit, and therefore reads what is there then, not what the row was when it was queued.
create or replace function muster.tg_check_payment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Two, and not an array: how many an array will have is not known to a plan that is kept, so none was, and planning took a quarter of
  -- what it costs to assign.
  one uuid;
  other uuid;
begin
  if tg_table_name = 'shifts' then
    one := new.id;
    other := new.id;
  else
    one := new.shift_id;
    other := old.shift_id;
  end if;
  if exists (
    select from public.shifts s
    where s.id in (one, other)
      and s.status in ('assigned', 'active', 'completed')
      and not exists (
        select from public.assignments a
        where a.shift_id = s.id
          and a.professional_id = s.professional_id
          and case s.status when 'completed' then a.ended_as = 'completed' else a.ended_at is null end
      )
  ) or exists (
    select from public.assignments a
    where a.shift_id in (one, other)
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
    where t.shift_id in (one, other)
      and t.status <> 'voided'
      and a.ended_as not in ('completed', 'stopped')
  ) then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  return null;
end
$$;
--> statement-breakpoint
-- The policies of `shifts` once more, for functions that must tell those who see a shift from those who may change it:
-- to the first it is forbidden, to everybody else there is no such shift. A test holds the two alike. In plpgsql, for in SQL they would
-- be planned with each call.
create or replace function muster.manages_shift(shift public.shifts) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(shift.company_id = muster.company_id() or shift.tenant_id = muster.admin_tenant_id(), false);
end
$$;
--> statement-breakpoint
create or replace function muster.sees_shift(shift public.shifts) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return shift.deleted_at is null and coalesce(
    muster.manages_shift(shift)
    or (shift.client_id = muster.client_id() and shift.status <> 'draft')
    or shift.professional_id = muster.professional_id()
    or (
      shift.tenant_id = muster.guard_tenant_id() and shift.status = 'published' and shift.start_datetime > now()
    ),
    false
  );
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796005921_assigning_without_planning';
