drop trigger renew_amount on public.finqle_transactions;
--> statement-breakpoint
drop function muster.tg_finqle_transactions__renew_amount();
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
    set amount = muster.shift_pay(
      new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
    )
    where t.shift_id = new.id and t.status = 'pending';
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$$;
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
    set amount = muster.shift_pay(
      shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
    )
    where t.shift_id = shift.id and t.status = 'pending';
  end if;
end
$$;
--> statement-breakpoint
drop function muster.clock_times(public.shifts);
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795305604_channels';
