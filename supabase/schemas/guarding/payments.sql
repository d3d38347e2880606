-- Payments: an assignment, its payment row and the notification of its professional are one thing.
--
-- * Assigning by any path makes the payment row (pending, the planned pay) and the notification.
-- * Releasing or cancelling voids the row; exactly one row of a shift is not void (a unique index holds that).
-- * A pending payment is what the shift pays now. While it is processed the amount stays what was sent; should it become
--   pending again, it is worked out anew.
-- * No transaction commits a shift that is assigned, active or completed without its one live payment row, or a live
--   payment row of a shift that is none of these.
-- * Pay: hours between start and end at the hourly rate, hours worked after the end at the overtime rate; time before
--   the start is not paid. Real durations count, so a night in which the clock changes has 7 or 9 hours.

create or replace function muster.audience_of_finqle_transactions(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
comment on function muster.audience_of_finqle_transactions(jsonb, timestamptz) is 'Who sees a payment: finqle_transactions_read, as groups.';
grant execute on function muster.audience_of_finqle_transactions(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.finqle_transactions',
  published => array['id', 'company_id', 'shift_id', 'professional_id', 'amount', 'status', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

create or replace function muster.shift_pay(
  hourly_rate numeric,
  overtime_rate numeric,
  start_datetime timestamptz,
  end_datetime timestamptz,
  worked_from timestamptz,
  worked_to timestamptz
) returns numeric
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return round(
  -- Divided last: a rate per second has no end (18.03 / 3600), and half an hour of it would come to a cent too little.
  hourly_rate * (
    greatest(
      extract(epoch from least(worked_to, end_datetime) - greatest(worked_from, start_datetime)), 0
    )
    + overtime_rate * greatest(
      extract(epoch from worked_to - greatest(worked_from, end_datetime)), 0
    )
  ) / 3600,
  2
);
comment on function muster.shift_pay(numeric, numeric, timestamptz, timestamptz, timestamptz, timestamptz) is
  'What a shift pays for the time worked, rounded to cents once, at the end.';
grant execute on function muster.shift_pay(numeric, numeric, timestamptz, timestamptz, timestamptz, timestamptz)
to authenticated, service_role, muster_definer;

create or replace function muster.notify_professional(shift public.shifts, professional uuid, notification_type text)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
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
end;
comment on function muster.notify_professional(public.shifts, uuid, text) is 'A notification for the professional''s user.';
grant execute on function muster.notify_professional(public.shifts, uuid, text) to muster_definer;

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
comment on function muster.tg_shifts__follow_assignment() is
  'Security definer: nobody may write payments or other people''s notifications by themselves.';

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
comment on function muster.tg_finqle_transactions__renew_amount() is
  'What the shift pays now, for a payment that is tried again. Security definer: it reads the check-ins of the shift.';

-- Deferred to the commit, and therefore reads what is there then, not what the row was when it was queued.
create or replace function muster.tg_check_payment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
        select from public.finqle_transactions t
        where t.shift_id = s.id and t.professional_id = s.professional_id and t.status <> 'voided'
      )
  ) then
    perform muster.fail('payment_missing');
  end if;
  if exists (
    select from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    where t.shift_id = any (checked)
      and t.status <> 'voided'
      and s.status not in ('assigned', 'active', 'completed')
  ) then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  return null;
end
$$;
comment on function muster.tg_check_payment() is
  'A worked shift has its payment, and no other shift has one. Security definer: whether or not the caller sees it.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger follow_assignment_on_insert after insert on public.shifts
  for each row when (new.status in ('assigned', 'active', 'completed'))
  execute function muster.tg_shifts__follow_assignment();
create or replace trigger follow_assignment_on_update after update on public.shifts
  for each row when (old.status in ('assigned', 'active') or new.status in ('assigned', 'active'))
  execute function muster.tg_shifts__follow_assignment();

drop trigger if exists shifts_assigned_has_payment on public.shifts;
create constraint trigger shifts_assigned_has_payment after insert or update on public.shifts
  deferrable initially deferred
  for each row when (new.status in ('assigned', 'active', 'completed'))
  execute function muster.tg_check_payment();
drop trigger if exists finqle_transactions_of_assigned_stay on public.finqle_transactions;
create constraint trigger finqle_transactions_of_assigned_stay after insert or update or delete on public.finqle_transactions
  deferrable initially deferred
  for each row execute function muster.tg_check_payment();
create or replace trigger renew_amount before update on public.finqle_transactions
  for each row when (new.status = 'pending' and old.status <> 'pending')
  execute function muster.tg_finqle_transactions__renew_amount();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists finqle_transactions_read on public.finqle_transactions;
create policy finqle_transactions_read on public.finqle_transactions for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy finqle_transactions_read on public.finqle_transactions is
  'The company that pays, the guard who is paid, admins. Nobody writes: payments follow assignments.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select (id, tenant_id, company_id, shift_id, professional_id, amount, status, provider_reference, created_at,
  updated_at)
  on public.finqle_transactions to authenticated;
-- muster.changes_since runs as the caller, who may read only some columns of this table.
grant select (changed_xid) on public.finqle_transactions to authenticated;
grant select, insert, update, delete on public.finqle_transactions to service_role;
grant select, insert, update on public.finqle_transactions to muster_definer;

alter function muster.tg_shifts__follow_assignment() owner to muster_definer;
alter function muster.tg_check_payment() owner to muster_definer;
alter function muster.tg_finqle_transactions__renew_amount() owner to muster_definer;
