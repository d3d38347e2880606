-- Payments that are tried again are worked out anew: a shift may have changed while its payment was on its way, or failed.

create or replace function muster.clock_times(
  shift public.shifts, out clocked_in timestamptz, out clocked_out timestamptz
)
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  select min(c.recorded_at) into clocked_in
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_in'
    and c.verdict <> 'outside';
  select min(c.recorded_at) into clocked_out
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_out'
    and c.recorded_at >= clocked_in;
end
$$;
--> statement-breakpoint
comment on function muster.clock_times(public.shifts) is
  'When the professional of a shift began to work and stopped, by their check-ins; null for what has not happened.';
--> statement-breakpoint
revoke execute on function muster.clock_times(public.shifts) from public;
--> statement-breakpoint
grant execute on function muster.clock_times(public.shifts) to muster_definer;
--> statement-breakpoint
create or replace function muster.advance_shift(advanced uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
  clocked_in timestamptz;
  clocked_out timestamptz;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  if current_setting('transaction_isolation') <> 'read committed' then
    perform muster.fail('isolation_unsupported');
  end if;
  select * into shift from public.shifts s where s.id = advanced for no key update;

  select t.clocked_in, t.clocked_out into clocked_in, clocked_out from muster.clock_times(shift) t;

  if shift.status = 'assigned' and clocked_in is not null then
    update public.shifts s set status = 'active' where s.id = shift.id;
    shift.status := 'active';
  end if;
  if shift.status = 'active' and clocked_out is not null then
    update public.shifts s set status = 'completed' where s.id = shift.id;
    shift.status := 'completed';
  end if;
  if shift.status = 'completed' and clocked_out is not null then
    update public.finqle_transactions t
    -- As in tg_shifts__follow_assignment: locked whatever its status.
    set amount = case when t.status = 'pending' then muster.shift_pay(
      shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
    ) else t.amount end
    where t.shift_id = shift.id and t.status <> 'voided';
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_shifts__follow_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  was_assigned boolean := tg_op = 'UPDATE' and old.status in ('assigned', 'active');
  is_assigned boolean := new.status in ('assigned', 'active');
begin
  if (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, professional_id, amount)
    values (
      new.tenant_id, new.company_id, new.id, new.professional_id,
      muster.shift_pay(
        new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
      )
    );
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status in ('published', 'cancelled') then
    update public.finqle_transactions t
    set status = 'voided'
    where t.shift_id = new.id and t.status <> 'voided';
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    update public.finqle_transactions t
    -- Whatever its status, the row is locked: one that becomes pending at this moment does so before or after this.
    set amount = case when t.status = 'pending' then muster.shift_pay(
      new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
    ) else t.amount end
    where t.shift_id = new.id and t.status <> 'voided';
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_finqle_transactions__renew_amount() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
  clocked_in timestamptz;
  clocked_out timestamptz;
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id;
  select t.clocked_in, t.clocked_out into clocked_in, clocked_out from muster.clock_times(shift) t;
  -- The planned pay, until the hours worked are known.
  if shift.status <> 'completed' or clocked_out is null then
    clocked_in := shift.start_datetime;
    clocked_out := shift.end_datetime;
  end if;
  new.amount := muster.shift_pay(
    shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
  );
  return new;
end
$$;
--> statement-breakpoint
comment on function muster.tg_finqle_transactions__renew_amount() is
  'What the shift pays now, for a payment that is tried again. Security definer: it reads the check-ins of the shift.';
--> statement-breakpoint
revoke execute on function muster.tg_finqle_transactions__renew_amount() from public;
--> statement-breakpoint
alter function muster.tg_finqle_transactions__renew_amount() owner to muster_definer;
--> statement-breakpoint
create or replace trigger renew_amount before update on public.finqle_transactions
  for each row when (new.status = 'pending' and old.status <> 'pending')
  execute function muster.tg_finqle_transactions__renew_amount();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795317932_payments_tried_again';
