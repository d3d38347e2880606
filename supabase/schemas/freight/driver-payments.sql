-- Payments of drivers: what a driver is owed, and what is taken off.
--
-- * docs/decisions/050-a-statement-takes-what-is-unsettled.md says why. A payment has the sign of its type: an advance and a deduction are
--   below zero, whatever else is not. Whoever puts one on record gives the amount without the sign, or what it is the product of.
-- * A load that is delivered pays each driver and co-driver who still had it, by the terms that they have then (driver-pay-terms.sql): the
--   distance, in the unit of the terms, by the rate; a percentage of what the load pays; or the same for each load. Half up to the cent. There
--   is one such payment for each load and driver (a unique index): what the office put on record before stays, and the rule makes none. A
--   driver without terms is paid by hand.
-- * Until it is settled, what the rule made follows the rate and the distance of its load. A load without a distance pays by distance once
--   it has one. A cancelled load pays nothing.
-- * The office adds what else is owed, and what is taken off; admins do, too. Nothing is removed: what was wrong is set off by another one.
-- * A payment is settled by one statement (driver-statements.sql), whose status it has from then on. Nothing else of it changes.
-- * A recurring deduction is taken off each statement of its driver and currency while it is valid, once.
-- * The office sees all of its carrier, drivers their own, admins all of the tenant. Dispatchers and brokers see nothing of pay.

create or replace function muster.audience_of_driver_payments(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'office:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
comment on function muster.audience_of_driver_payments(jsonb, timestamptz) is 'Who sees a payment: driver_payments_read, as groups.';
grant execute on function muster.audience_of_driver_payments(jsonb, timestamptz) to muster_definer;

select muster.follow_table('public.driver_deductions');
select muster.follow_table(
  'public.driver_payments',
  published => array['id', 'organization_id', 'driver_id', 'load_id', 'deduction_id', 'statement_id', 'type', 'amount', 'currency',
    'quantity', 'rate', 'explanation', 'earned_on', 'status', 'is_automatic', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id']
);

-- ---- What a load pays ---------------------------------------------------------------------------------------------------

create or replace function muster.linehaul_of(
  load public.loads, terms public.driver_pay_terms,
  out type text, out quantity numeric, out rate numeric, out amount numeric, out currency text, out explanation text
)
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  -- The international mile (NIST Special Publication 811).
  km_per_mile constant numeric := 1.609344;
begin
  case terms.pay_kind
    when 'per_distance' then
      type := 'linehaul_per_distance';
      quantity := round(
        case
          when load.distance_unit = terms.distance_unit then load.distance
          when terms.distance_unit = 'km' then load.distance * km_per_mile
          else load.distance / km_per_mile
        end, 2
      );
      rate := terms.pay_per_distance;
      amount := round(quantity * rate, 2);
      currency := terms.currency;
      explanation := format('%s %s at %s %s', quantity, terms.distance_unit, rate, currency);
    when 'percentage' then
      type := 'linehaul_percentage';
      quantity := load.rate;
      rate := terms.pay_percentage;
      amount := round(quantity * rate / 100, 2);
      currency := load.currency;
      explanation := format('%s %% of %s %s', rate, quantity, currency);
    when 'flat' then
      type := 'flat';
      amount := terms.pay_flat;
      currency := terms.currency;
      explanation := 'For the load';
  end case;
end
$$;
comment on function muster.linehaul_of(public.loads, public.driver_pay_terms) is
  'What a load pays by the terms of a driver; the amount is null for a load that has no distance, where it is paid by distance.';

-- The day on which the last stop was left, on the clocks there; a phone whose clock is wrong makes no day before the load began.
create or replace function muster.delivery_day(load public.loads) returns date
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(
    coalesce(
      (
        select (coalesce(s.departed_at, now()) at time zone s.time_zone)::date
        from public.load_stops s
        where s.load_id = load.id and s.deleted_at is null
        order by s.position desc
        limit 1
      ),
      load.last_day
    ),
    (load.starts_at at time zone 'UTC')::date - 1,
    date '2000-01-01'
  );
end
$$;
comment on function muster.delivery_day(public.loads) is 'The local day on which a load was delivered, which is now unless its last stop says when.';

create or replace function muster.tg_loads__pay_drivers() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What numeric(10,2) holds: nobody is kept from delivering a load by what somebody once typed.
  most constant numeric := 99999999.99;
  paid constant uuid[] := array(
    select v.id
    from public.load_assignments a
    cross join lateral (values (a.driver_id), (a.co_driver_id)) as v (id)
    where a.load_id = new.id and a.ended_as = 'completed' and v.id is not null
  );
begin
  -- In the order in which whoever settles locks them.
  perform from public.driver_payments p where p.load_id = new.id and p.statement_id is null order by p.id for no key update;
  -- Once new terms are confirmed to whoever changed them, no load is delivered by the old ones any more.
  perform from public.driver_pay_terms t where t.driver_id = any (paid) order by t.driver_id for share;
  insert into public.driver_payments as p (
    driver_id, load_id, type, amount, currency, quantity, rate, explanation, earned_on, is_automatic
  )
  select t.driver_id, new.id, l.type, l.amount, l.currency, l.quantity, l.rate, l.explanation, muster.delivery_day(new), true
  from public.driver_pay_terms t
  cross join lateral muster.linehaul_of(new, t) l
  where t.driver_id = any (paid) and l.amount <= most
  order by t.driver_id
  on conflict (load_id, driver_id) where type in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat')
  do update set
    type = excluded.type, amount = excluded.amount, currency = excluded.currency, quantity = excluded.quantity, rate = excluded.rate,
    explanation = excluded.explanation
  where p.is_automatic
    and p.statement_id is null
    and (p.type, p.amount, p.currency, p.quantity, p.rate)
      is distinct from (excluded.type, excluded.amount, excluded.currency, excluded.quantity, excluded.rate);
  return null;
end
$$;
comment on function muster.tg_loads__pay_drivers() is
  'A delivered load pays its drivers, once. Security definer: nobody else writes what a rule makes.';

-- ---- Putting on record --------------------------------------------------------------------------------------------------

-- Runs with the rights of whoever writes: a driver or a load that they do not see does not exist.
create or replace function muster.tg_driver_payments__complete() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id, coalesce(new.currency, t.currency, 'USD')
  into new.tenant_id, new.organization_id, new.currency
  from public.drivers d
  left join public.driver_pay_terms t on t.driver_id = d.id
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  elsif new.load_id is not null and not exists (
    select from public.load_assignments a
    where a.load_id = new.load_id and (a.driver_id = new.driver_id or a.co_driver_id = new.driver_id)
  ) then
    perform muster.fail('not_found', 'load_id');
  end if;
  new.amount := coalesce(
    new.amount,
    round(new.quantity * new.rate / case when new.type in ('linehaul_percentage', 'total_percentage') then 100 else 1 end, 2)
  );
  if new.type in ('advance', 'deduction') then
    new.amount := -new.amount;
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_payments__complete() is
  'Whose a payment is, as its driver says; that the driver had the load; the product where no amount is given; and the sign of its type.';

create or replace function muster.tg_driver_payments__check_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.statement_id is not null and (
    to_jsonb(new) - '{status,updated_at,updated_by}'::text[] <> to_jsonb(old) - '{status,updated_at,updated_by}'::text[]
    or (new.status <> old.status and not muster.is_pay_step(old.status, new.status))
  ) then
    perform muster.fail('driver_statement_state', 'statement_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_payments__check_change() is 'Of what is settled nothing changes but the status, step by step.';

create or replace function muster.is_pay_step(before text, next text) returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return before || ' ' || next in (
  'pending processing',
  'processing completed',
  'processing failed',
  -- It is tried again.
  'failed processing',
  'completed refunded'
);
comment on function muster.is_pay_step(text, text) is 'The steps of the money of a statement.';

create or replace function muster.tg_driver_deductions__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id, coalesce(new.currency, t.currency, 'USD')
  into new.tenant_id, new.organization_id, new.currency
  from public.drivers d
  left join public.driver_pay_terms t on t.driver_id = d.id
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_deductions__copy_driver() is 'Whose a recurring deduction is, as its driver says.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger pay_drivers after update on public.loads
  for each row when (
    new.status = 'delivered'
    and (old.status, old.rate, old.currency, old.distance, old.distance_unit)
      is distinct from (new.status, new.rate, new.currency, new.distance, new.distance_unit)
  )
  execute function muster.tg_loads__pay_drivers();
create or replace trigger a_complete before insert on public.driver_payments
  for each row execute function muster.tg_driver_payments__complete();
create or replace trigger b_check_change before update on public.driver_payments
  for each row execute function muster.tg_driver_payments__check_change();
create or replace trigger a_copy_driver before insert on public.driver_deductions
  for each row execute function muster.tg_driver_deductions__copy_driver();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists driver_payments_read on public.driver_payments;
create policy driver_payments_read on public.driver_payments for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy driver_payments_read on public.driver_payments is
  'The office those of its carrier; drivers their own; admins all of the tenant. Dispatchers none.';
drop policy if exists driver_payments_create on public.driver_payments;
create policy driver_payments_create on public.driver_payments for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy driver_payments_create on public.driver_payments is
  'The office for drivers of its carrier; admins for any of the tenant. Nobody changes or removes one.';
drop policy if exists driver_deductions_read on public.driver_deductions;
create policy driver_deductions_read on public.driver_deductions for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy driver_deductions_read on public.driver_deductions is 'Those who see the payments of the driver.';
drop policy if exists driver_deductions_create on public.driver_deductions;
create policy driver_deductions_create on public.driver_deductions for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy driver_deductions_create on public.driver_deductions is
  'The office for drivers of its carrier; admins for any of the tenant.';
drop policy if exists driver_deductions_edit on public.driver_deductions;
create policy driver_deductions_edit on public.driver_deductions for update to authenticated
  using (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy driver_deductions_edit on public.driver_deductions is
  'The office of its carrier, and admins: only when it ends is granted.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.driver_payments to authenticated;
grant insert (id, driver_id, load_id, type, amount, currency, quantity, rate, explanation, earned_on) on public.driver_payments to authenticated;
-- Nobody removes what was owed.
grant select, insert, update on public.driver_payments to service_role;
grant select, insert, update on public.driver_payments to muster_definer;
grant select on public.driver_deductions to authenticated;
grant insert (id, driver_id, amount, currency, explanation, valid_from, valid_until) on public.driver_deductions to authenticated;
grant update (valid_until) on public.driver_deductions to authenticated;
grant select, insert, update on public.driver_deductions to service_role;
grant select on public.driver_deductions to muster_definer;

grant execute on function
  muster.linehaul_of(public.loads, public.driver_pay_terms),
  muster.delivery_day(public.loads)
to muster_definer;
grant execute on function muster.is_pay_step(text, text) to service_role, muster_definer;

alter function muster.tg_loads__pay_drivers() owner to muster_definer;
