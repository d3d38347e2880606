-- Payments: an assignment, its payment row and the notification of its professional are one thing.
--
-- * A payment is the promise that is made with the assignment. What is sent to the payment provider, and what became of it, are payouts
--   (payouts.sql): one for each statement, which sums up many payments. The columns idempotency_key, provider_reference, attempts and
--   last_error, and the statuses processing, completed, failed and refunded, are what was there before payouts; nothing writes them,
--   and a later release removes them.
-- * Assigning by any path makes the assignment (assignments.sql), its payment (pending, the planned pay) and the notification.
-- * Releasing voids the row, and so does cancelling before somebody worked; cancelling afterwards fixes what is paid. A shift to which
--   nobody came pays nothing, until an offline phone or a correction says otherwise.
-- * Exactly one row of a shift is not void (a unique index holds that). Each assignment has one row.
-- * A pending payment is what the assignment pays now: the plan, then the total of its timesheet (timesheets.sql). One of the old
--   statuses keeps its amount; should it become pending again, it is worked out anew.
-- * No transaction commits an assignment that is in force, completed or stopped without its live payment row, or a live payment
--   row of one that is none of these.

create or replace function muster.audience_of_finqle_transactions(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_finqle_transactions(jsonb, timestamptz) is 'Who sees a payment: finqle_transactions_read, as groups.';
grant execute on function muster.audience_of_finqle_transactions(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.finqle_transactions',
  published => array['id', 'company_id', 'shift_id', 'assignment_id', 'professional_id', 'amount', 'status', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

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
comment on function muster.notify_professional(public.shifts, uuid, text) is 'A notification for the professional''s user.';
grant execute on function muster.notify_professional(public.shifts, uuid, text) to muster_definer;

create or replace function muster.notify_company(shift public.shifts, notification_type text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select shift.tenant_id, planner.id, notification_type, jsonb_build_object(
    'shift_id', shift.id,
    'title', shift.title,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime
  )
  from muster.members_as('company', shift.company_id) planner (id);
end;
comment on function muster.notify_company(public.shifts, text) is 'A notification for each planner of the shift''s company.';
grant execute on function muster.notify_company(public.shifts, text) to muster_definer;

create or replace function muster.record_no_show(shift public.shifts, ended uuid) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.finqle_transactions t set status = 'voided' where t.assignment_id = ended;
  select muster.notify_professional(shift, shift.professional_id, 'shift_no_show');
  select muster.notify_company(shift, 'shift_no_show');
end;
comment on function muster.record_no_show(public.shifts, uuid) is 'Nothing is owed for an assignment to which nobody came; both sides are told.';
grant execute on function muster.record_no_show(public.shifts, uuid) to muster_definer;

create or replace function muster.tg_shifts__follow_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  was_assigned boolean := tg_op = 'UPDATE' and old.status in ('assigned', 'active');
  is_assigned boolean := new.status in ('assigned', 'active');
  begun uuid;
  ended uuid;
begin
  if tg_op = 'UPDATE' and old.status in ('completed', 'no_show') then
    perform muster.reopen_assignment(new.id);
    if new.status in ('completed', 'no_show') then
      ended := muster.end_assignment(new.id, new.status);
    end if;
    if old.status = 'no_show' then
      update public.finqle_transactions t
      set status = 'pending'
      from public.assignments a
      where a.shift_id = new.id
        and a.professional_id = new.professional_id
        and (a.ended_at is null or a.id = ended)
        and t.assignment_id = a.id
        and t.status = 'voided';
    elsif new.status = 'no_show' then
      perform muster.record_no_show(new, ended);
    end if;

  elsif (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    begun := muster.begin_assignment(new);
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount)
    select a.tenant_id, a.company_id, a.shift_id, a.id, a.professional_id, muster.estimated_pay(a)
    from public.assignments a
    where a.id = begun;
    if new.status = 'completed' then
      perform muster.price_assignment(muster.end_assignment(new.id, 'completed'));
    end if;
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status = 'completed' then
    perform muster.price_assignment(muster.end_assignment(new.id, 'completed'));

  elsif was_assigned and new.status = 'cancelled' and old.status = 'active' then
    ended := muster.end_assignment(new.id, 'stopped');
    perform muster.price_assignment(ended);
    -- Work that was going on claims no more.
    perform muster.price_earlier_assignments(a) from public.assignments a where a.id = ended;
    perform muster.notify_professional(new, old.professional_id, 'shift_cancelled');

  elsif was_assigned and new.status = 'no_show' then
    perform muster.record_no_show(new, muster.end_assignment(new.id, 'no_show'));

  elsif was_assigned and new.status in ('published', 'cancelled') then
    ended := muster.end_assignment(new.id, case new.status when 'published' then 'released' else 'cancelled' end);
    update public.finqle_transactions t set status = 'voided' where t.assignment_id = ended;
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    perform muster.price_assignment(muster.follow_shift(
      new,
      (new.start_datetime, new.end_datetime, new.location_id)
        is distinct from (old.start_datetime, old.end_datetime, old.location_id)
    ));
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
  assignment public.assignments;
begin
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  new.amount := muster.assignment_pay(assignment);
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
comment on function muster.tg_check_payment() is
  'What an assignment may pay has its payment, and nothing else has one. Security definer: whether or not the caller sees it.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger follow_assignment_on_insert after insert on public.shifts
  for each row when (new.status in ('assigned', 'active', 'completed'))
  execute function muster.tg_shifts__follow_assignment();
create or replace trigger follow_assignment_on_update after update on public.shifts
  for each row when (
    old.status in ('assigned', 'active')
    or new.status in ('assigned', 'active')
    or (old.status in ('completed', 'no_show') and new.status <> old.status)
  )
  execute function muster.tg_shifts__follow_assignment();

drop trigger if exists shifts_assigned_has_payment on public.shifts;
create constraint trigger shifts_assigned_has_payment after insert or update on public.shifts
  deferrable initially deferred
  for each row when (new.status in ('assigned', 'active', 'completed', 'cancelled', 'no_show'))
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

grant select (id, tenant_id, company_id, shift_id, assignment_id, professional_id, amount, status, provider_reference,
  created_at, updated_at)
  on public.finqle_transactions to authenticated;
-- muster.changes_since runs as the caller, who may read only some columns of this table.
grant select (changed_xid) on public.finqle_transactions to authenticated;
grant select, insert, update, delete on public.finqle_transactions to service_role;
grant select, insert, update on public.finqle_transactions to muster_definer;

alter function muster.tg_shifts__follow_assignment() owner to muster_definer;
alter function muster.tg_check_payment() owner to muster_definer;
alter function muster.tg_finqle_transactions__renew_amount() owner to muster_definer;
