-- Statements of drivers: what a carrier pays a driver for a period.
--
-- * docs/decisions/050-a-statement-takes-what-is-unsettled.md says why. Settling a period makes one statement for each driver and currency with
--   something to settle: all payments up to the last day that no statement has, also those of earlier periods that came late. What comes
--   later is on the next one.
-- * Whoever settles waits for who settles the same carrier, then locks the payments: each is on one statement. Numbers count from 1
--   without a gap for each carrier, and a constraint holds that no two are equal.
-- * A statement pays what is above zero after what the one before of that driver and currency left below zero; what is below zero is
--   carried over.
-- * Nothing of a statement changes but its status, which the office moves: pending → processing → completed or failed, failed → processing
--   once more, completed → refunded. Its payments have the same status. One that pays nothing is completed as it is made.
-- * The office sees and settles those of its carrier, drivers see their own, admins all of the tenant.

create or replace function muster.audience_of_driver_statements(viewed jsonb, at timestamptz) returns text[]
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
comment on function muster.audience_of_driver_statements(jsonb, timestamptz) is
  'Who sees a statement: driver_statements_read, as groups.';
grant execute on function muster.audience_of_driver_statements(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.driver_statements',
  published => array['id', 'organization_id', 'driver_id', 'number', 'first_day', 'last_day', 'currency', 'gross', 'deductions', 'net',
    'carried_in', 'payable', 'carried_out', 'status', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id']
);

create or replace function muster.driver_statement_json(statement public.driver_statements) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'id', statement.id,
  'organization_id', statement.organization_id,
  'driver_id', statement.driver_id,
  'number', statement.number,
  'first_day', statement.first_day,
  'last_day', statement.last_day,
  'currency', statement.currency,
  'gross', statement.gross,
  'deductions', statement.deductions,
  'net', statement.net,
  'carried_in', statement.carried_in,
  'payable', statement.payable,
  'carried_out', statement.carried_out,
  'status', statement.status,
  'created_at', statement.created_at,
  'updated_at', statement.updated_at
);
comment on function muster.driver_statement_json(public.driver_statements) is 'A statement in the form of the API.';

-- ---- Settling -----------------------------------------------------------------------------------------------------------

create or replace function muster.settle_driver_payments(
  from_day date, to_day date, carrier uuid default null, only_driver uuid default null
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  own constant uuid := muster.office_carrier_id();
  payer constant uuid := coalesce(carrier, own);
  payer_tenant uuid;
  picked uuid[];
  made jsonb;
begin
  select o.tenant_id into payer_tenant
  from public.organizations o
  where o.id = payer and o.kind = 'carrier' and coalesce(o.id = own or o.tenant_id = muster.admin_tenant_id(), false);
  if not found then
    perform muster.fail('forbidden', 'organization_id');
  elsif only_driver is not null and not exists (
    select from public.drivers d where d.id = only_driver and d.organization_id = payer
  ) then
    perform muster.fail('not_found', 'driver_id');
  -- On no clock it is later than at UTC+14.
  elsif to_day > (now() at time zone 'Etc/GMT-14')::date then
    perform muster.fail('statement_in_future', 'last_day');
  end if;
  -- What others commit while this waits must be seen.
  perform muster.require_read_committed();
  -- The queue of those who settle for a carrier, who give its numbers: no row is there to lock, where it has no statement yet.
  perform pg_advisory_xact_lock(hashtextextended('driver_statements ' || payer, 0));
  picked := array(
    select p.id
    from public.driver_payments p
    where p.organization_id = payer
      and p.statement_id is null
      and p.earned_on <= to_day
      and (only_driver is null or p.driver_id = only_driver)
    order by p.id
    for no key update
  );
  with taken as (
    insert into public.driver_payments (driver_id, deduction_id, type, amount, currency, explanation, earned_on, is_automatic)
    select r.driver_id, r.id, 'deduction', r.amount, r.currency, r.explanation, to_day, true
    from public.driver_deductions r
    where r.organization_id = payer
      and r.valid_from <= to_day
      and coalesce(r.valid_until >= greatest(from_day, r.valid_from), true)
      and exists (
        select from public.driver_payments p
        where p.id = any (picked) and p.driver_id = r.driver_id and p.currency = r.currency
      )
    order by r.driver_id, r.id
    returning id
  )
  select picked || coalesce(array_agg(t.id), '{}') into picked from taken t;
  -- One statement, so that a statement and its payments are there together.
  with owed as (
    select
      p.driver_id, p.currency,
      coalesce(sum(p.amount) filter (where p.amount > 0), 0) as gross,
      coalesce(-sum(p.amount) filter (where p.amount < 0), 0) as deductions,
      sum(p.amount) as net
    from public.driver_payments p
    where p.id = any (picked)
    group by p.driver_id, p.currency
  ), balanced as (
    select o.*, coalesce(b.carried_out, 0) as carried_in, coalesce(b.carried_out, 0) + o.net as balance
    from owed o
    left join lateral (
      select s.carried_out
      from public.driver_statements s
      where s.driver_id = o.driver_id and s.currency = o.currency
      order by s.number desc
      limit 1
    ) b on true
  ), inserted as (
    insert into public.driver_statements as s (
      tenant_id, organization_id, driver_id, number, first_day, last_day, currency, gross, deductions, net, carried_in, payable,
      carried_out, status
    )
    select
      payer_tenant, payer, b.driver_id,
      coalesce((select max(l.number) from public.driver_statements l where l.organization_id = payer), 0)
        + row_number() over (order by b.driver_id, b.currency),
      from_day, to_day, b.currency, b.gross, b.deductions, b.net, b.carried_in, greatest(b.balance, 0), least(b.balance, 0),
      case when b.balance > 0 then 'pending' else 'completed' end
    from balanced b
    returning s as statement
  ), settled as (
    update public.driver_payments p
    set statement_id = (i.statement).id, status = (i.statement).status
    from inserted i
    where p.id = any (picked) and p.driver_id = (i.statement).driver_id and p.currency = (i.statement).currency
    returning p.id
  )
  select coalesce(jsonb_agg(muster.driver_statement_json(i.statement) order by (i.statement).number), '[]')
  into made
  from inserted i;
  return made;
end
$$;
comment on function muster.settle_driver_payments(date, date, uuid, uuid) is
  'Settles what a carrier owes its drivers, or one of them, up to a day, as its office or an admin: the statements in the form of the API. Security definer: nobody writes statements by themselves.';

create or replace function muster.move_driver_statement(wanted uuid, next_status text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  statement public.driver_statements;
begin
  select s.* into statement from public.driver_statements s where s.id = wanted;
  if statement.organization_id = muster.office_carrier_id() or statement.tenant_id = muster.admin_tenant_id() then
    update public.driver_statements s set status = next_status where s.id = wanted returning s.* into statement;
    return muster.driver_statement_json(statement);
  end if;
  perform muster.fail(case when statement.driver_id = muster.driver_id() then 'forbidden' else 'not_found' end, 'id');
  return null;
end
$$;
comment on function muster.move_driver_statement(uuid, text) is
  'Says what became of the money of a statement, as the office of its carrier or an admin: the statement in the form of the API. Security definer: nobody may write the status itself.';

create or replace function muster.tg_driver_statements__check_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not muster.is_pay_step(old.status, new.status)
    or new.payable = 0
    or to_jsonb(new) - '{status,updated_at,updated_by}'::text[] <> to_jsonb(old) - '{status,updated_at,updated_by}'::text[]
  then
    perform muster.fail('driver_statement_state', 'status');
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_statements__check_change() is 'Nothing of a statement changes but its status, step by step; and nothing of one that pays nothing.';

create or replace function muster.tg_driver_statements__lead() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.driver_payments p set status = new.status where p.statement_id = new.id;
  return null;
end
$$;
comment on function muster.tg_driver_statements__lead() is
  'Payments have the status of the statement that settled them. Security definer: nobody else writes it.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger b_check_change before update on public.driver_statements
  for each row execute function muster.tg_driver_statements__check_change();
create or replace trigger lead after update on public.driver_statements
  for each row execute function muster.tg_driver_statements__lead();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists driver_statements_read on public.driver_statements;
create policy driver_statements_read on public.driver_statements for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy driver_statements_read on public.driver_statements is
  'The office those of its carrier; drivers their own; admins all of the tenant. Nobody writes: settling does.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.driver_statements to authenticated;
grant select, insert, update on public.driver_statements to service_role;
grant select, insert, update on public.driver_statements to muster_definer;

grant execute on function muster.driver_statement_json(public.driver_statements) to muster_definer;
grant execute on function muster.settle_driver_payments(date, date, uuid, uuid) to authenticated;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.move_driver_statement(uuid, text) to authenticated, muster_api;

alter function muster.settle_driver_payments(date, date, uuid, uuid) owner to muster_definer;
alter function muster.move_driver_statement(uuid, text) owner to muster_definer;
alter function muster.tg_driver_statements__lead() owner to muster_definer;
