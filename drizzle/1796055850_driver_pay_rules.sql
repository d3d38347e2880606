-- The report is made here, and nobody reads it yet: its indexes block nobody.
-- squawk-ignore-file require-concurrent-index-creation
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
  'medical_card_expired', 'MU419',
  'hours_of_service', 'MU420',
  'duty_in_future', 'MU421',
  'duty_id_conflict', 'MU422',
  'too_many_duty_changes', 'MU423',
  'duty_edit_decided', 'MU424',
  'duty_edit_open', 'MU425',
  'too_many_duty_edits', 'MU426',
  'driver_statement_state', 'MU440',
  'statement_in_future', 'MU441'
);
--> statement-breakpoint
create materialized view if not exists muster.driver_earnings_summary as
select
  md5(s.driver_id::text || date_trunc('month', s.last_day::timestamp)::text || s.currency)::uuid as id,
  s.tenant_id,
  s.organization_id,
  s.driver_id,
  date_trunc('month', s.last_day::timestamp)::date as month,
  s.currency,
  count(*)::integer as statements,
  sum(p.loads)::integer as loads,
  sum(s.gross) as gross,
  sum(s.deductions) as deductions,
  sum(s.net) as net,
  sum(s.payable) as payable
from public.driver_statements s
cross join lateral (
  select count(*) as loads
  from public.driver_payments line
  where line.statement_id = s.id
    and line.load_id is not null
    and line.type in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat')
) p
group by s.tenant_id, s.organization_id, s.driver_id, date_trunc('month', s.last_day::timestamp), s.currency;
--> statement-breakpoint
create unique index if not exists driver_earnings_summary_key on muster.driver_earnings_summary (driver_id, month, currency);
--> statement-breakpoint
create index if not exists driver_earnings_summary_carrier_idx on muster.driver_earnings_summary (organization_id, month, id);
--> statement-breakpoint
create index if not exists driver_earnings_summary_tenant_idx on muster.driver_earnings_summary (tenant_id, month, id);
--> statement-breakpoint
create or replace function muster.driver_earnings_report(
  from_month date, to_month date, of_driver uuid, before_month date, before_id uuid, most integer
)
returns table (
  id uuid, organization_id uuid, driver_id uuid, month date, currency text, statements integer, loads integer, gross numeric,
  deductions numeric, net numeric, payable numeric
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not muster.is_report_filled('muster.driver_earnings_summary') then
    return;
  end if;
  return query
    select
      r.id, r.organization_id, r.driver_id, r.month, r.currency, r.statements, r.loads, r.gross, r.deductions, r.net, r.payable
    from muster.driver_earnings_summary r
    where (
        r.organization_id = (select muster.office_carrier_id())
        or r.driver_id = (select muster.driver_id())
        or r.tenant_id = (select muster.admin_tenant_id())
      )
      and (from_month is null or r.month >= date_trunc('month', from_month::timestamp))
      and (to_month is null or r.month <= to_month)
      and (of_driver is null or r.driver_id = of_driver)
      and (before_month is null or (r.month, r.id) < (before_month, before_id))
    order by r.month desc, r.id desc
    limit most;
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_driver_payments(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'office:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id')
];
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.driver_deductions FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
create policy internal on public.driver_deductions for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_driver_payments(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_driver_payments((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.driver_payments r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'driver_payments'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.driver_payments FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.driver_payments FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.driver_payments FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.driver_payments FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.driver_payments for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.driver_payments (amount, created_at, currency, deduction_id, driver_id, earned_on, explanation, id, is_automatic, load_id, organization_id, quantity, rate, statement_id, status, type, updated_at);
--> statement-breakpoint
create or replace function muster.linehaul_of(
  load public.loads, driver public.drivers,
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
  case driver.pay_kind
    when 'per_distance' then
      type := 'linehaul_per_distance';
      quantity := round(
        case
          when load.distance_unit = driver.distance_unit then load.distance
          when driver.distance_unit = 'km' then load.distance * km_per_mile
          else load.distance / km_per_mile
        end, 2
      );
      rate := driver.pay_per_distance;
      amount := round(quantity * rate, 2);
      currency := driver.currency;
      explanation := format('%s %s at %s %s', quantity, driver.distance_unit, rate, currency);
    when 'percentage' then
      type := 'linehaul_percentage';
      quantity := load.rate;
      rate := driver.pay_percentage;
      amount := round(quantity * rate / 100, 2);
      currency := load.currency;
      explanation := format('%s %% of %s %s', rate, quantity, currency);
    when 'flat' then
      type := 'flat';
      amount := driver.pay_flat;
      currency := driver.currency;
      explanation := 'For the load';
  end case;
end
$$;
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.tg_loads__pay_drivers() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What numeric(10,2) holds: nobody is kept from delivering a load by what somebody once typed.
  most constant numeric := 99999999.99;
begin
  -- In the order in which whoever settles locks them.
  perform from public.driver_payments p where p.load_id = new.id and p.statement_id is null order by p.id for no key update;
  insert into public.driver_payments as p (
    driver_id, load_id, type, amount, currency, quantity, rate, explanation, earned_on, is_automatic
  )
  select d.id, new.id, l.type, l.amount, l.currency, l.quantity, l.rate, l.explanation, muster.delivery_day(new), true
  from public.drivers d
  cross join lateral muster.linehaul_of(new, d) l
  where d.id in (
      select v.id
      from public.load_assignments a
      cross join lateral (values (a.driver_id), (a.co_driver_id)) as v (id)
      where a.load_id = new.id and a.ended_as = 'completed'
    )
    and l.amount <= most
  order by d.id
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
--> statement-breakpoint
-- Runs with the rights of whoever writes: a driver or a load that they do not see does not exist.
create or replace function muster.tg_driver_payments__complete() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id, coalesce(new.currency, d.currency)
  into new.tenant_id, new.organization_id, new.currency
  from public.drivers d
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.tg_driver_deductions__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id, coalesce(new.currency, d.currency)
  into new.tenant_id, new.organization_id, new.currency
  from public.drivers d
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger pay_drivers after update on public.loads
  for each row when (
    new.status = 'delivered'
    and (old.status, old.rate, old.currency, old.distance, old.distance_unit)
      is distinct from (new.status, new.rate, new.currency, new.distance, new.distance_unit)
  )
  execute function muster.tg_loads__pay_drivers();
--> statement-breakpoint
create or replace trigger a_complete before insert on public.driver_payments
  for each row execute function muster.tg_driver_payments__complete();
--> statement-breakpoint
create or replace trigger b_check_change before update on public.driver_payments
  for each row execute function muster.tg_driver_payments__check_change();
--> statement-breakpoint
create or replace trigger a_copy_driver before insert on public.driver_deductions
  for each row execute function muster.tg_driver_deductions__copy_driver();
--> statement-breakpoint
create policy driver_payments_read on public.driver_payments for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy driver_payments_create on public.driver_payments for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy driver_deductions_read on public.driver_deductions for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy driver_deductions_create on public.driver_deductions for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy driver_deductions_edit on public.driver_deductions for update to authenticated
  using (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create or replace function muster.audience_of_driver_statements(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'office:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_driver_statements(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_driver_statements((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.driver_statements r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'driver_statements'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.driver_statements FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.driver_statements FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.driver_statements FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.driver_statements FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.driver_statements for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.driver_statements (carried_in, carried_out, created_at, currency, deductions, driver_id, first_day, gross, id, last_day, net, number, organization_id, payable, status, updated_at);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger b_check_change before update on public.driver_statements
  for each row execute function muster.tg_driver_statements__check_change();
--> statement-breakpoint
create or replace trigger lead after update on public.driver_statements
  for each row execute function muster.tg_driver_statements__lead();
--> statement-breakpoint
create policy driver_statements_read on public.driver_statements for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.groups_of_freight(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array_agg(g.name)
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.drivers d
    on m.role = 'driver' and d.user_id = m.user_id and d.organization_id = m.organization_id and d.deleted_at is null
  cross join lateral (
    select case
      when m.role in ('office', 'dispatcher') then 'carrier:' || m.organization_id
      when m.role = 'broker' then 'broker:' || m.organization_id
      when m.role = 'driver' then 'driver:' || d.id
    end as name
    union all
    select 'office:' || m.organization_id where m.role = 'office'
  ) g
  where m.user_id = any (callers) and m.role in ('office', 'dispatcher', 'broker', 'driver') and u.deleted_at is null and u.suspended_at is null
  group by m.user_id;
end;
--> statement-breakpoint
alter function muster.settle_driver_payments(date,date,uuid,uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.move_driver_statement(uuid,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_driver_statements__lead() owner to muster_definer;
--> statement-breakpoint
alter function muster.driver_earnings_report(date,date,uuid,date,uuid,integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_loads__pay_drivers() owner to muster_definer;
--> statement-breakpoint
alter materialized view muster.driver_earnings_summary owner to muster_definer;
--> statement-breakpoint
alter table public.driver_payments enable row level security;
--> statement-breakpoint
alter table public.driver_payments force row level security;
--> statement-breakpoint
alter table public.driver_deductions enable row level security;
--> statement-breakpoint
alter table public.driver_deductions force row level security;
--> statement-breakpoint
alter table public.driver_statements enable row level security;
--> statement-breakpoint
alter table public.driver_statements force row level security;
--> statement-breakpoint
revoke all on table muster.driver_earnings_summary from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.driver_payments from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.driver_deductions from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.driver_statements from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.tg_driver_statements__check_change() from public;
--> statement-breakpoint
revoke execute on function muster.driver_statement_json(driver_statements) from public;
--> statement-breakpoint
revoke execute on function muster.settle_driver_payments(date,date,uuid,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.move_driver_statement(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_statements__lead() from public;
--> statement-breakpoint
revoke execute on function muster.driver_earnings_report(date,date,uuid,date,uuid,integer) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_driver_payments(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_driver_payments(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.delivery_day(loads) from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_payments__complete() from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_payments__check_change() from public;
--> statement-breakpoint
revoke execute on function muster.tg_driver_deductions__copy_driver() from public;
--> statement-breakpoint
revoke execute on function muster.linehaul_of(loads,drivers) from public;
--> statement-breakpoint
revoke execute on function muster.is_pay_step(text,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_loads__pay_drivers() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_driver_statements(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_driver_statements(jsonb) from public;
--> statement-breakpoint
grant execute on function muster.audience_of_driver_payments(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_driver_statements(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.delivery_day(loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.driver_earnings_report(date,date,uuid,date,uuid,integer) to authenticated;
--> statement-breakpoint
grant execute on function muster.driver_statement_json(driver_statements) to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_pay_step(text,text) to muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.linehaul_of(loads,drivers) to muster_definer;
--> statement-breakpoint
grant execute on function muster.move_driver_statement(uuid,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.seen_of_driver_payments(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_driver_statements(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.settle_driver_payments(date,date,uuid,uuid) to authenticated;
--> statement-breakpoint
grant select, insert (amount, currency, driver_id, explanation, id, valid_from, valid_until), update (valid_until) on table public.driver_deductions to authenticated;
--> statement-breakpoint
grant select on table public.driver_deductions to muster_definer;
--> statement-breakpoint
grant insert, select, update on table public.driver_deductions to service_role;
--> statement-breakpoint
grant select, insert (amount, currency, driver_id, earned_on, explanation, id, load_id, quantity, rate, type) on table public.driver_payments to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.driver_payments to muster_definer, service_role;
--> statement-breakpoint
grant select on table public.driver_statements to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.driver_statements to muster_definer, service_role;
--> statement-breakpoint
comment on materialized view muster.driver_earnings_summary is 'What drivers earned, by month.';
--> statement-breakpoint
comment on function muster.driver_earnings_report(date, date, uuid, date, uuid, integer) is
  'The rows of the earnings that are the caller''s, the latest month first. Security definer: a materialized view knows no policies.';
--> statement-breakpoint
comment on function muster.audience_of_driver_payments(jsonb, timestamptz) is 'Who sees a payment: driver_payments_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.driver_deductions is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on public.driver_payments is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_driver_payments(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.linehaul_of(public.loads, public.drivers) is
  'What a load pays a driver by their terms; the amount is null for a load that has no distance, where it is paid by distance.';
--> statement-breakpoint
comment on function muster.delivery_day(public.loads) is 'The local day on which a load was delivered, which is now unless its last stop says when.';
--> statement-breakpoint
comment on function muster.tg_loads__pay_drivers() is
  'A delivered load pays its drivers, once. Security definer: nobody else writes what a rule makes.';
--> statement-breakpoint
comment on function muster.tg_driver_payments__complete() is
  'Whose a payment is, as its driver says; that the driver had the load; the product where no amount is given; and the sign of its type.';
--> statement-breakpoint
comment on function muster.tg_driver_payments__check_change() is 'Of what is settled nothing changes but the status, step by step.';
--> statement-breakpoint
comment on function muster.is_pay_step(text, text) is 'The steps of the money of a statement.';
--> statement-breakpoint
comment on function muster.tg_driver_deductions__copy_driver() is 'Whose a recurring deduction is, as its driver says.';
--> statement-breakpoint
comment on policy driver_payments_read on public.driver_payments is
  'The office those of its carrier; drivers their own; admins all of the tenant. Dispatchers none.';
--> statement-breakpoint
comment on policy driver_payments_create on public.driver_payments is
  'The office for drivers of its carrier; admins for any of the tenant. Nobody changes or removes one.';
--> statement-breakpoint
comment on policy driver_deductions_read on public.driver_deductions is 'Those who see the payments of the driver.';
--> statement-breakpoint
comment on policy driver_deductions_create on public.driver_deductions is
  'The office for drivers of its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy driver_deductions_edit on public.driver_deductions is
  'The office of its carrier, and admins: only when it ends is granted.';
--> statement-breakpoint
comment on function muster.audience_of_driver_statements(jsonb, timestamptz) is
  'Who sees a statement: driver_statements_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.driver_statements is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_driver_statements(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.driver_statement_json(public.driver_statements) is 'A statement in the form of the API.';
--> statement-breakpoint
comment on function muster.settle_driver_payments(date, date, uuid, uuid) is
  'Settles what a carrier owes its drivers, or one of them, up to a day, as its office or an admin: the statements in the form of the API. Security definer: nobody writes statements by themselves.';
--> statement-breakpoint
comment on function muster.move_driver_statement(uuid, text) is
  'Says what became of the money of a statement, as the office of its carrier or an admin: the statement in the form of the API. Security definer: nobody may write the status itself.';
--> statement-breakpoint
comment on function muster.tg_driver_statements__check_change() is 'Nothing of a statement changes but its status, step by step; and nothing of one that pays nothing.';
--> statement-breakpoint
comment on function muster.tg_driver_statements__lead() is
  'Payments have the status of the statement that settled them. Security definer: nobody else writes it.';
--> statement-breakpoint
comment on policy driver_statements_read on public.driver_statements is
  'The office those of its carrier; drivers their own; admins all of the tenant. Nobody writes: settling does.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796055850_driver_pay_rules';
