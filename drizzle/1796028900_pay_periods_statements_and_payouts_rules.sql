-- The reports are made here, and nobody reads them yet: their indexes block nobody.
-- squawk-ignore-file require-concurrent-index-creation
alter publication supabase_realtime drop table public.timesheets;
--> statement-breakpoint
create or replace function muster.codes_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'shift_overlap', 'MU001',
  'certificate_missing', 'MU002',
  'certificate_expired', 'MU003',
  'professional_inactive', 'MU004',
  'shift_not_open', 'MU005',
  'invalid_transition', 'MU006',
  'outside_check_in_window', 'MU007',
  'recorded_in_future', 'MU008',
  'shift_not_assigned', 'MU009',
  'certificate_in_use', 'MU012',
  'professional_in_use', 'MU013',
  'location_in_use', 'MU014',
  'payment_missing', 'MU015',
  'id_conflict', 'MU016',
  'shift_over', 'MU021',
  'daily_limit_reached', 'MU025',
  'too_many_pings', 'MU030',
  'professional_unavailable', 'MU300',
  'shift_begun', 'MU301',
  'rate_lowered', 'MU302',
  'end_worked', 'MU303',
  'assignment_released', 'MU330',
  'correction_decided', 'MU331',
  'correction_open', 'MU332',
  'too_many_corrections', 'MU333',
  'own_hours', 'MU340',
  'timesheet_state', 'MU341',
  'lines_undecided', 'MU342',
  'timesheet_changed', 'MU343',
  'dispute_too_late', 'MU344',
  'hours_impossible', 'MU345',
  'pay_period_closed', 'MU350',
  'pay_period_not_over', 'MU351',
  'pay_period_not_next', 'MU352',
  'payout_state', 'MU360'
);
--> statement-breakpoint
-- Before it is in effect; approving and disputing wait for the shift, which whoever writes corrections has locked.
create or replace function muster.tg_corrections__note_clocked() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform from public.shifts s where s.id = new.shift_id for no key update;
  if muster.hours_are_settled(new.assignment_id) then
    select muster.spans_json((muster.clocked(a)).intervals) into new.clocked_before
    from public.assignments a
    where a.id = new.assignment_id;
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.apply_correction(correction public.corrections) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if correction.clocked_before is not null then
    perform muster.adjust_timesheet(correction);
  end if;
  perform muster.advance_assignment(correction.assignment_id);
end
$$;
--> statement-breakpoint
create or replace trigger b_note_clocked before insert or update on public.corrections
  for each row when (new.state in ('accepted', 'imposed'))
  execute function muster.tg_corrections__note_clocked();
--> statement-breakpoint
create materialized view if not exists muster.professional_earnings_summary as
select
  md5(s.professional_id::text || s.company_id::text || date_trunc('month', s.last_day::timestamp)::text)::uuid as id,
  s.tenant_id,
  s.company_id,
  s.professional_id,
  date_trunc('month', s.last_day::timestamp)::date as month,
  s.currency,
  count(*)::integer as statements,
  sum(l.seconds) as paid_seconds,
  sum(s.gross) as gross,
  sum(s.deductions) as deductions,
  sum(s.net) as net,
  sum(s.vat_amount) as vat_amount,
  sum(s.total) as total,
  sum(s.payable) as payable
from public.statements s
cross join lateral (
  select coalesce(sum(line.seconds) filter (where line.kind <> 'allowance'), 0) as seconds
  from public.statement_lines line
  where line.statement_id = s.id
) l
group by s.tenant_id, s.company_id, s.professional_id, date_trunc('month', s.last_day::timestamp), s.currency;
--> statement-breakpoint
create unique index if not exists professional_earnings_summary_key
  on muster.professional_earnings_summary (professional_id, company_id, month, currency);
--> statement-breakpoint
create index if not exists professional_earnings_summary_company_idx on muster.professional_earnings_summary (company_id, month, id);
--> statement-breakpoint
create index if not exists professional_earnings_summary_tenant_idx on muster.professional_earnings_summary (tenant_id, month, id);
--> statement-breakpoint
create materialized view if not exists muster.company_hours_summary as
select
  md5(t.company_id::text || t.client_id::text || s.location_id::text || date_trunc('month', t.work_date::timestamp)::text)::uuid as id,
  t.tenant_id,
  t.company_id,
  t.client_id,
  s.location_id,
  date_trunc('month', t.work_date::timestamp)::date as month,
  t.currency,
  count(*) filter (where t.state in ('approved', 'locked'))::integer as timesheets,
  count(*) filter (where t.state in ('proposed', 'disputed'))::integer as open_timesheets,
  coalesce(sum(t.worked_seconds) filter (where t.state in ('approved', 'locked')), 0) as worked_seconds,
  coalesce(sum(l.seconds) filter (where t.state in ('approved', 'locked')), 0) as paid_seconds,
  coalesce(sum(l.amount) filter (where t.state in ('approved', 'locked')), 0) as total
from public.timesheets t
join public.shifts s on s.id = t.shift_id
cross join lateral (
  select
    coalesce(sum(line.amount), 0) as amount,
    coalesce(sum(line.seconds) filter (where line.kind <> 'allowance'), 0) as seconds
  from public.timesheet_lines line
  where line.timesheet_id = t.id and line.is_approved
) l
group by t.tenant_id, t.company_id, t.client_id, s.location_id, date_trunc('month', t.work_date::timestamp), t.currency;
--> statement-breakpoint
create unique index if not exists company_hours_summary_key
  on muster.company_hours_summary (company_id, client_id, location_id, month, currency);
--> statement-breakpoint
create index if not exists company_hours_summary_company_idx on muster.company_hours_summary (company_id, month, id);
--> statement-breakpoint
create index if not exists company_hours_summary_tenant_idx on muster.company_hours_summary (tenant_id, month, id);
--> statement-breakpoint
create or replace function muster.is_report_filled(report regclass) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select c.relispopulated from pg_class c where c.oid = report;
end;
--> statement-breakpoint
create or replace function muster.earnings_report(
  from_month date, to_month date, of_company uuid, of_professional uuid, before_month date, before_id uuid, most integer
)
returns table (
  id uuid, company_id uuid, professional_id uuid, month date, currency text, statements integer, paid_seconds numeric, gross numeric,
  deductions numeric, net numeric, vat_amount numeric, total numeric, payable numeric
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not muster.is_report_filled('muster.professional_earnings_summary') then
    return;
  end if;
  return query
    select
      r.id, r.company_id, r.professional_id, r.month, r.currency, r.statements, r.paid_seconds, r.gross, r.deductions, r.net,
      r.vat_amount, r.total, r.payable
    from muster.professional_earnings_summary r
    where (
        r.company_id = (select muster.company_id())
        or r.professional_id = (select muster.professional_id())
        or r.tenant_id = (select muster.admin_tenant_id())
      )
      and (from_month is null or r.month >= date_trunc('month', from_month::timestamp))
      and (to_month is null or r.month <= to_month)
      and (of_company is null or r.company_id = of_company)
      and (of_professional is null or r.professional_id = of_professional)
      and (before_month is null or (r.month, r.id) < (before_month, before_id))
    order by r.month desc, r.id desc
    limit most;
end
$$;
--> statement-breakpoint
create or replace function muster.hours_report(
  from_month date, to_month date, of_company uuid, of_client uuid, of_location uuid, before_month date, before_id uuid, most integer
)
returns table (
  id uuid, company_id uuid, client_id uuid, location_id uuid, month date, currency text, timesheets integer, open_timesheets integer,
  worked_seconds numeric, paid_seconds numeric, total numeric
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not muster.is_report_filled('muster.company_hours_summary') then
    return;
  end if;
  return query
    select
      r.id, r.company_id, r.client_id, r.location_id, r.month, r.currency, r.timesheets, r.open_timesheets, r.worked_seconds,
      r.paid_seconds, r.total
    from muster.company_hours_summary r
    where (r.company_id = (select muster.company_id()) or r.tenant_id = (select muster.admin_tenant_id()))
      and (from_month is null or r.month >= date_trunc('month', from_month::timestamp))
      and (to_month is null or r.month <= to_month)
      and (of_company is null or r.company_id = of_company)
      and (of_client is null or r.client_id = of_client)
      and (of_location is null or r.location_id = of_location)
      and (before_month is null or (r.month, r.id) < (before_month, before_id))
    order by r.month desc, r.id desc
    limit most;
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_pay_periods(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id')
];
--> statement-breakpoint
create policy internal on public.pay_terms for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_pay_periods(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_pay_periods((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.pay_periods r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'pay_periods'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.pay_periods FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.pay_periods FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.pay_periods FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.pay_periods FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.pay_periods for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.pay_periods (closed_at, closed_by, company_id, created_at, ends_at, first_day, id, last_day, period, starts_at, state, time_zone, updated_at);
--> statement-breakpoint
create or replace function muster.pay_terms_on(company uuid, day date) returns public.pay_terms
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms public.pay_terms;
begin
  select t.* into terms
  from public.pay_terms t
  where t.company_id = company and t.valid_from <= day
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.period := 'month';
    terms.time_zone := 'Europe/Amsterdam';
  end if;
  return terms;
end
$$;
--> statement-breakpoint
-- Weeks begin on Monday. Of the thirteen times four weeks of a year (ISO 8601) the last one has the week 53, where there is one.
create or replace function muster.pay_period_days(period text, day date, out first_day date, out last_day date)
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  iso_year constant integer := extract(isoyear from day);
  -- The week of 4 January is the first of its year.
  year_begins constant date := date_trunc('week', make_date(iso_year, 1, 4));
  nth constant integer := least((extract(week from day)::integer - 1) / 4, 12);
begin
  case period
    when 'week' then
      first_day := date_trunc('week', day);
      last_day := first_day + 6;
    when 'four_weeks' then
      first_day := year_begins + nth * 28;
      last_day := case
        when nth < 12 then first_day + 27
        else date_trunc('week', make_date(iso_year + 1, 1, 4))::date - 1
      end;
    when 'month' then
      first_day := date_trunc('month', day);
      last_day := first_day + interval '1 month' - interval '1 day';
  end case;
end
$$;
--> statement-breakpoint
create or replace function muster.open_pay_periods_of(company uuid, most integer) returns integer
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  latest public.pay_periods;
  terms public.pay_terms;
  days record;
  first_work timestamptz;
  begins_on date;
  begins_at timestamptz;
  made integer := 0;
begin
  while made < most loop
    select p.* into latest
    from public.pay_periods p
    where p.company_id = company
    order by p.first_day desc
    limit 1;
    if found then
      begins_on := latest.last_day + 1;
      begins_at := latest.ends_at;
      terms := muster.pay_terms_on(company, begins_on);
    else
      select min(t.start_datetime) into first_work from public.timesheets t where t.company_id = company;
      exit when first_work is null;
      -- By the zone of that day, whatever day it is in another one.
      terms := muster.pay_terms_on(company, first_work::date);
      begins_on := (muster.pay_period_days(terms.period, (first_work at time zone terms.time_zone)::date)).first_day;
      begins_at := begins_on::timestamp at time zone terms.time_zone;
    end if;
    exit when begins_at > now();
    days := muster.pay_period_days(terms.period, begins_on);
    insert into public.pay_periods (tenant_id, company_id, period, time_zone, first_day, last_day, starts_at, ends_at)
    select o.tenant_id, o.id, terms.period, terms.time_zone, begins_on, days.last_day, begins_at,
      (days.last_day + 1)::timestamp at time zone terms.time_zone
    from public.organizations o
    where o.id = company
    -- Somebody else was faster: with the same day.
    on conflict (company_id, first_day) do nothing;
    made := made + 1;
  end loop;
  return made;
end
$$;
--> statement-breakpoint
create or replace function muster.open_pay_periods(most integer default 500) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  company uuid;
  done bigint := 0;
begin
  for company in
    select o.id
    from public.organizations o
    where o.kind = 'company'
      and o.deleted_at is null
      and coalesce(
        (select max(p.ends_at) from public.pay_periods p where p.company_id = o.id),
        (select min(t.start_datetime) from public.timesheets t where t.company_id = o.id)
      ) <= now()
    order by o.id
  loop
    done := done + muster.open_pay_periods_of(company, (most - done)::integer);
    exit when done >= most;
  end loop;
  return done;
end
$$;
--> statement-breakpoint
create or replace function muster.close_pay_period(wanted uuid) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if not exists (
    select from public.pay_periods p
    where p.id = wanted and (p.company_id = muster.company_id() or p.tenant_id = muster.admin_tenant_id())
  ) then
    perform muster.fail('not_found', 'id');
  end if;
  return muster.settle_pay_period(wanted, muster.user_id());
end
$$;
--> statement-breakpoint
create or replace function muster.settle_pay_period(wanted uuid, closer uuid) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  most_periods constant integer := 100;
  period public.pay_periods;
  sheet public.timesheets;
  paid_professionals uuid[];
  professional uuid;
begin
  -- What others commit while this waits for their locks must be seen.
  perform muster.require_read_committed();
  select p.* into period from public.pay_periods p where p.id = wanted for no key update;
  if period.state = 'closed' then
    perform muster.fail('pay_period_closed', 'state');
  elsif period.ends_at > now() then
    perform muster.fail('pay_period_not_over', 'ends_at');
  elsif exists (
    select from public.pay_periods p
    where p.company_id = period.company_id and p.first_day < period.first_day and p.state = 'open'
  ) then
    perform muster.fail('pay_period_not_next', 'first_day');
  end if;

  -- All of them, in one order: as everybody who locks several (muster.lock_for_approval).
  paid_professionals := array(
    select p.id
    from public.security_professionals p
    where p.id in (
      select t.professional_id
      from public.timesheets t
      where t.company_id = period.company_id and t.state = 'approved' and t.start_datetime < period.ends_at
      union all
      select l.professional_id
      from public.timesheet_lines l
      where l.company_id = period.company_id
        and l.kind = 'adjustment'
        and not exists (select from public.statement_lines s where s.timesheet_line_id = l.id)
    )
    order by p.id
    for no key update
  );
  -- Corrections that both sides agreed on after the approval.
  for sheet in
    select t.*
    from public.timesheets t
    where t.company_id = period.company_id
      and t.state = 'approved'
      and t.start_datetime < period.ends_at
      and t.professional_id = any (paid_professionals)
      and t.adjusted <> t.paid
  loop
    perform muster.add_adjustment(sheet, muster.spans_of(sheet.paid), muster.spans_of(sheet.adjusted));
  end loop;
  -- Whose hours were approved only now, and who is not locked, is paid for the next period.
  update public.timesheets t
  set state = 'locked', locked_at = now(), pay_period_id = period.id
  where t.company_id = period.company_id
    and t.state = 'approved'
    and t.start_datetime < period.ends_at
    and t.professional_id = any (paid_professionals);
  foreach professional in array paid_professionals loop
    perform muster.make_statement(period, professional);
  end loop;
  update public.pay_periods p
  set state = 'closed', closed_at = now(), closed_by = closer
  where p.id = period.id
  returning p.* into period;
  perform muster.open_pay_periods_of(period.company_id, most_periods);
  perform muster.notify_of_pay_period(period);
  return period.id;
end
$$;
--> statement-breakpoint
create or replace function muster.notify_of_pay_period(period public.pay_periods) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select m.tenant_id, m.user_id, 'pay_period_closed', jsonb_build_object(
    'pay_period_id', period.id,
    'first_day', period.first_day,
    'last_day', period.last_day,
    'statements', made.statements,
    'payable', made.payable,
    'currency', 'EUR'
  )
  from public.memberships m
  join public.users u on u.id = m.user_id
  cross join (
    select count(*) as statements, coalesce(sum(s.payable), 0) as payable
    from public.statements s
    where s.pay_period_id = period.id
  ) made
  where m.organization_id = period.company_id and m.role = 'company' and u.deleted_at is null;
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: an organization that they do not see does not exist.
create or replace function muster.tg_pay_terms__complete() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.time_zone);
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.company_id and o.kind = 'company' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'company_id');
  end if;
  if known is null then
    raise exception using
      errcode = 'check_violation',
      message = 'no time zone that this server knows',
      schema = 'public', table = 'pay_terms', column = 'time_zone', constraint = 'pay_terms_time_zone_known';
  end if;
  new.time_zone := known;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_complete before insert on public.pay_terms
  for each row execute function muster.tg_pay_terms__complete();
--> statement-breakpoint
create policy pay_terms_read on public.pay_terms for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy pay_terms_create on public.pay_terms for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy pay_periods_read on public.pay_periods for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.audience_of_payouts(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_payouts(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_payouts((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.payouts r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'payouts'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.payouts FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.payouts FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.payouts FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.payouts FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.payouts for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.payouts (amount, company_id, completed_at, created_at, currency, dead_at, id, professional_id, statement_id, status, updated_at);
--> statement-breakpoint
create policy internal on public.payout_events for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace function muster.tg_statements__queue_payout() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.payouts (tenant_id, company_id, professional_id, statement_id, amount, currency)
  values (new.tenant_id, new.company_id, new.professional_id, new.id, new.payable, new.currency);
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.take_payouts(most integer, lease interval)
returns table (
  id uuid, key uuid, amount text, currency text, payee uuid, payer uuid, reference text, was_sent boolean
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with due as (
    select p.id, p.sent_at is not null as was_sent
    from public.payouts p
    where p.next_attempt_at <= now()
    order by p.next_attempt_at
    limit most
    for no key update skip locked
  ), taken as (
    update public.payouts p
    set status = 'processing', attempts = p.attempts + 1, sent_at = coalesce(p.sent_at, now()), next_attempt_at = now() + lease
    from due
    where p.id = due.id
    returning p.*, due.was_sent
  )
  select t.id, t.idempotency_key, t.amount::text, t.currency, t.professional_id, t.company_id,
    format('Statement %s of %s', s.number, s.issued_on), t.was_sent
  from taken t
  join public.statements s on s.id = t.statement_id;
end;
--> statement-breakpoint
-- Half of the pause at random, so that what failed together is not tried again together.
create or replace function muster.payout_backoff(attempts integer) returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
return least(interval '1 hour', interval '5 seconds' * power(2, least(attempts - 1, 20))) * (0.5 + random() / 2);
--> statement-breakpoint
create or replace function muster.notify_of_payout(payout public.payouts, notification_type text, to_professional boolean) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select payout.tenant_id, told.id, notification_type, jsonb_build_object(
    'payout_id', payout.id,
    'statement_id', payout.statement_id,
    'amount', payout.amount,
    'currency', payout.currency,
    'reason', payout.last_error
  )
  from (
    select p.user_id as id from public.security_professionals p where to_professional and p.id = payout.professional_id
    union
    select m.user_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where not to_professional
      and m.tenant_id = payout.tenant_id
      and (m.role = 'admin' or (m.role = 'company' and m.organization_id = payout.company_id))
      and u.deleted_at is null
  ) told;
end;
--> statement-breakpoint
-- The payout is locked.
create or replace function muster.move_payout(
  payout public.payouts, said text, said_reference text, why text, event_source text,
  event_id text default null, event_time timestamptz default null
) returns boolean
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  states constant text[] := array['pending', 'processing', 'failed', 'completed', 'refunded'];
  is_news constant boolean := array_position(states, said) > array_position(states, payout.status);
begin
  -- An answer that says nothing new is not worth a row each minute.
  if is_news or event_source = 'webhook' then
    insert into public.payout_events (
      tenant_id, company_id, professional_id, payout_id, source, provider_event_id, status, reason, occurred_at, is_applied
    )
    values (
      payout.tenant_id, payout.company_id, payout.professional_id, payout.id, event_source, event_id, said, why, event_time, is_news
    );
  end if;
  if not is_news and said <> payout.status then
    return false;
  end if;
  update public.payouts p
  set status = said,
      provider_reference = coalesce(said_reference, p.provider_reference),
      attempts = 0,
      last_error = case when said = 'failed' then why end,
      dead_at = null,
      -- What the provider has taken is asked about after a minute, and less often the longer it takes: a webhook may be lost.
      next_attempt_at = case when said = 'processing' then
        now() + least(interval '1 hour', greatest(interval '1 minute', (now() - p.sent_at) / 2))
      end,
      completed_at = case when said in ('completed', 'refunded') then coalesce(p.completed_at, now()) end
  where p.id = payout.id
  returning p.* into payout;
  if is_news and said = 'completed' then
    perform muster.notify_of_payout(payout, 'payout_completed', true);
  elsif is_news and said = 'failed' then
    perform muster.notify_of_payout(payout, 'payout_failed', false);
  elsif is_news and said = 'refunded' then
    perform muster.notify_of_payout(payout, 'payout_refunded', true);
    perform muster.notify_of_payout(payout, 'payout_refunded', false);
  end if;
  return is_news;
end
$$;
--> statement-breakpoint
create or replace function muster.note_payout_answer(wanted uuid, said text, reference text, why text, most_attempts integer) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payout public.payouts;
begin
  perform muster.require_read_committed();
  select p.* into payout from public.payouts p where p.id = wanted for no key update;
  if said <> 'none' then
    perform muster.move_payout(payout, said, reference, why, 'answer');
    return said;
  elsif payout.status not in ('pending', 'processing') or payout.dead_at is not null then
    -- Somebody else knows more by now.
    return 'no_answer';
  elsif payout.attempts < most_attempts then
    update public.payouts p
    set last_error = why, next_attempt_at = now() + muster.payout_backoff(p.attempts)
    where p.id = wanted;
    return 'no_answer';
  end if;
  update public.payouts p
  set last_error = why, next_attempt_at = null, dead_at = now()
  where p.id = wanted
  returning p.* into payout;
  perform muster.notify_of_payout(payout, 'payout_failed', false);
  return 'dead_letter';
end
$$;
--> statement-breakpoint
create or replace function muster.receive_payout_event(
  event_id text, key uuid, reference text, said text, occurred_at timestamptz, why text
) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payout public.payouts;
begin
  perform muster.require_read_committed();
  if key is not null then
    select p.* into payout from public.payouts p where p.idempotency_key = key for no key update;
  else
    select p.* into payout
    from public.payouts p
    where p.provider_reference = reference
      -- A name that two payouts have is none.
      and not exists (select from public.payouts o where o.provider_reference = reference and o.id <> p.id)
    for no key update;
  end if;
  if payout.id is null then
    return 'unknown';
  elsif exists (select from public.payout_events e where e.provider_event_id = event_id) then
    return 'duplicate';
  elsif muster.move_payout(payout, said, reference, why, 'webhook', event_id, occurred_at) then
    return 'applied';
  end if;
  return 'ignored';
end
$$;
--> statement-breakpoint
create or replace function muster.retry_payout(wanted uuid) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payout public.payouts;
begin
  select p.* into payout from public.payouts p where p.id = wanted for no key update;
  if payout.tenant_id is distinct from muster.admin_tenant_id() then
    perform muster.fail(
      case
        when payout.company_id = muster.company_id() or payout.professional_id = muster.professional_id() then 'forbidden'
        else 'not_found'
      end,
      'id'
    );
  elsif payout.id is null then
    perform muster.fail('not_found', 'id');
  elsif payout.status <> 'failed' and payout.dead_at is null then
    perform muster.fail('payout_state', 'status');
  end if;
  update public.payouts p
  set status = 'pending',
      attempts = 0,
      dead_at = null,
      next_attempt_at = now(),
      last_error = null,
      -- Of what failed the provider would say so again: it is sent. A dead letter may have been paid: it is asked about first.
      sent_at = case when p.status = 'failed' then null else p.sent_at end
  where p.id = wanted;
  return wanted;
end
$$;
--> statement-breakpoint
create or replace function muster.payout_queue()
returns table (waiting bigint, oldest_seconds float8, dead bigint, failed bigint)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select
    (select count(*) from public.payouts p where p.next_attempt_at is not null),
    coalesce((select extract(epoch from now() - min(p.next_attempt_at)) from public.payouts p where p.next_attempt_at <= now()), 0)::float8,
    (select count(*) from public.payouts p where p.dead_at is not null),
    (select count(*) from public.payouts p where p.status = 'failed');
end;
--> statement-breakpoint
create or replace trigger queue_payout after insert on public.statements
  for each row when (new.payable > 0) execute function muster.tg_statements__queue_payout();
--> statement-breakpoint
create policy payouts_read on public.payouts for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy payout_events_read on public.payout_events for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'correction_proposed',
  'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
  'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved', 'pay_period_closed', 'statement_made',
  'payout_completed', 'payout_failed', 'payout_refunded'
];
--> statement-breakpoint
create or replace function muster.audience_of_statements(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
create or replace function muster.audience_of_statement_lines(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
create policy internal on public.professional_tax_terms for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_statements(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_statements((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.statements r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'statements'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.statements FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.statements FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.statements FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.statements for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.statements (carried_in, carried_out, company_id, company_name, created_at, currency, deduction_percent, deduction_reason, deductions, first_day, gross, id, issued_on, kind, last_day, net, number, pay_period_id, payable, professional_id, professional_name, total, updated_at, vat_amount, vat_exemption, vat_number, vat_rate);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_statement_lines(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_statement_lines((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.statement_lines r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'statement_lines'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.statement_lines FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.statement_lines FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.statement_lines FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.statement_lines for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.statement_lines (amount, company_id, created_at, currency, explanation, factor, id, kind, "position", professional_id, rate, seconds, statement_id, timesheet_id, timesheet_line_id, updated_at, work_date);
--> statement-breakpoint
create or replace function muster.tax_terms_on(professional uuid, day date) returns public.professional_tax_terms
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms public.professional_tax_terms;
begin
  select t.* into terms
  from public.professional_tax_terms t
  where t.professional_id = professional and t.valid_from <= day
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.vat_rate := 0;
    terms.vat_exemption := 'not_registered';
    terms.deduction_percent := 0;
  end if;
  return terms;
end
$$;
--> statement-breakpoint
-- Of the timesheets that the period locked, and adjustments of those that were locked before.
create or replace function muster.unsettled_lines(period public.pay_periods, professional uuid)
returns table (line public.timesheet_lines, sheet public.timesheets)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    select l, t
    from public.timesheets t
    join public.timesheet_lines l on l.timesheet_id = t.id
    where t.pay_period_id = period.id and t.professional_id = professional and l.is_approved and l.kind <> 'adjustment'
    union all
    select l, t
    from public.timesheet_lines l
    join public.timesheets t on t.id = l.timesheet_id
    where l.company_id = period.company_id
      and l.professional_id = professional
      and l.kind = 'adjustment'
      and not exists (select from public.statement_lines s where s.timesheet_line_id = l.id);
end
$$;
--> statement-breakpoint
-- The professional is locked: nobody else gives a number.
create or replace function muster.make_statement(period public.pay_periods, professional uuid) returns uuid
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  taxes constant public.professional_tax_terms := muster.tax_terms_on(professional, period.last_day);
  before public.statements;
  made public.statements;
begin
  select sum((u.line).amount) into made.gross from muster.unsettled_lines(period, professional) u;
  if made.gross is null then
    return null;
  end if;
  select s.* into before
  from public.statements s
  where s.company_id = period.company_id and s.professional_id = professional
  order by s.number desc
  limit 1;
  -- Half up. What is withheld lowers no VAT: the service costs its gross.
  made.deductions := round(made.gross * taxes.deduction_percent / 100, 2);
  made.net := made.gross - made.deductions;
  made.vat_amount := round(made.gross * taxes.vat_rate / 100, 2);
  made.total := made.net + made.vat_amount;
  made.carried_in := coalesce(before.carried_out, 0);
  insert into public.statements as s (
    tenant_id, company_id, professional_id, pay_period_id, number, kind, issued_on, first_day, last_day, company_name, professional_name,
    vat_rate, vat_exemption, vat_number, deduction_percent, deduction_reason,
    gross, deductions, net, vat_amount, total, carried_in, payable, carried_out
  )
  select
    period.tenant_id, period.company_id, professional, period.id, coalesce(before.number, 0) + 1,
    case when made.gross < 0 then 'credit_note' else 'invoice' end,
    (now() at time zone period.time_zone)::date, period.first_day, period.last_day, o.name, u.name,
    taxes.vat_rate, taxes.vat_exemption, taxes.vat_number, taxes.deduction_percent, taxes.deduction_reason,
    made.gross, made.deductions, made.net, made.vat_amount, made.total, made.carried_in,
    greatest(made.carried_in + made.total, 0), least(made.carried_in + made.total, 0)
  from public.organizations o
  cross join public.security_professionals p
  join public.users u on u.id = p.user_id
  where o.id = period.company_id and p.id = professional
  returning s.* into made;
  insert into public.statement_lines (
    tenant_id, company_id, professional_id, statement_id, timesheet_line_id, timesheet_id, position, work_date, kind, seconds, rate,
    factor, amount, explanation
  )
  select
    made.tenant_id, made.company_id, made.professional_id, made.id, (u.line).id, (u.sheet).id,
    row_number() over (order by (u.sheet).start_datetime, (u.sheet).id, (u.line).position, (u.line).id),
    (u.sheet).work_date, (u.line).kind, (u.line).seconds, (u.line).rate, (u.line).factor, (u.line).amount, (u.line).explanation
  from muster.unsettled_lines(period, professional) u;
  insert into public.notifications (tenant_id, user_id, type, data)
  select made.tenant_id, p.user_id, 'statement_made', jsonb_build_object(
    'statement_id', made.id,
    'company_id', made.company_id,
    'number', made.number,
    'first_day', made.first_day,
    'last_day', made.last_day,
    'total', made.total,
    'payable', made.payable,
    'currency', made.currency
  )
  from public.security_professionals p
  where p.id = professional;
  return made.id;
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: a professional whom they do not see does not exist.
create or replace function muster.tg_professional_tax_terms__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select p.tenant_id into new.tenant_id
  from public.security_professionals p
  where p.id = new.professional_id and p.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'professional_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.professional_tax_terms
  for each row execute function muster.tg_professional_tax_terms__set_tenant();
--> statement-breakpoint
create policy professional_tax_terms_read on public.professional_tax_terms for select to authenticated
  using (
    professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy professional_tax_terms_create on public.professional_tax_terms for insert to authenticated
  with check (
    (professional_id = (select muster.professional_id()) and deduction_percent = 0)
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy statements_read on public.statements for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy statement_lines_read on public.statement_lines for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
alter publication supabase_realtime add table public.timesheets (adjusted, agreed, approved_at, approved_by, assignment_id, break_seconds, client_id, clocked, company_id, created_at, currency, end_datetime, flags, id, locked_at, paid, paid_seconds, pay_period_id, professional_id, proposed_at, shift_id, start_datetime, state, time_zone, updated_at, work_date, worked, worked_seconds);
--> statement-breakpoint
create or replace function muster.hours_of(
  assignment public.assignments,
  agreed tstzmultirange,
  out clocked tstzmultirange,
  out claimed tstzmultirange,
  out worked tstzmultirange,
  out overdue tstzmultirange,
  out is_cut boolean
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  longest_shift constant interval := interval '48 hours';
  any_delay constant integer := 36500;
  said record;
  later public.assignments := assignment;
  settled tstzmultirange;
  settled_of_earlier tstzmultirange;
  claimed_later tstzmultirange;
  claimed_ever tstzmultirange;
  first_at timestamptz;
  last_at timestamptz;
begin
  select c.* into said from muster.clocked(assignment) c;
  clocked := said.intervals;
  claimed := said.claimed;
  worked := coalesce(agreed, clocked);
  overdue := '{}';
  if agreed is null and 'overdue' = any (said.flags) then
    later.delivery_days := any_delay;
    overdue := (muster.clocked(later)).intervals - clocked;
  elsif agreed is null and said.status = 'assigned' and assignment.ended_as = 'completed' and not exists (
    select from public.gps_checkins c where c.assignment_id = assignment.id and c.kind <> 'ping'
  ) then
    -- Brought in as history: what was planned.
    worked := tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime));
  end if;

  first_at := lower(worked + overdue);
  last_at := upper(worked + overdue);
  select
    range_agg(muster.spans_of(coalesce(t.adjusted, t.paid))),
    range_agg(muster.spans_of(coalesce(t.adjusted, t.paid))) filter (where not o.is_later),
    range_agg(c.claimed) filter (where o.is_later),
    range_agg(c.claimed)
  into settled, settled_of_earlier, claimed_later, claimed_ever
  from (
    select a, (a.start_datetime, a.shift_id) > (assignment.start_datetime, assignment.shift_id) as is_later
    from public.assignments a
    where a.professional_id = assignment.professional_id
      and a.id <> assignment.id
      and a.start_datetime between first_at - longest_shift - window_after and last_at + window_before
      and a.end_datetime > first_at - window_after
  ) o
  left join public.timesheets t on t.assignment_id = (o.a).id and t.state in ('approved', 'locked')
  left join lateral (
    select c.claimed from muster.clocked(o.a) c where t.id is null and (o.is_later or not isempty(overdue))
  ) c on true;

  is_cut := not isempty(worked * coalesce(settled_of_earlier, '{}'));
  worked := worked - coalesce(settled, '{}') - coalesce(claimed_later, '{}');
  overdue := overdue - coalesce(settled, '{}') - coalesce(claimed_ever, '{}');
end
$$;
--> statement-breakpoint
create or replace function muster.reopen_timesheet(sheet public.timesheets) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  was text := sheet.state;
begin
  assignment := muster.finished_assignment(sheet);
  update public.timesheets t
  set state = 'disputed', approved_at = null, approved_by = null, adjusted = null
  where t.id = sheet.id
  returning t.* into sheet;
  if was = 'approved' then
    update public.timesheet_lines l set is_approved = l.open_reason is null where l.timesheet_id = sheet.id;
    -- What came in meanwhile counts again.
    sheet := muster.make_timesheet(assignment);
    update public.finqle_transactions t
    set amount = sheet.total
    where t.assignment_id = assignment.id and t.status = 'pending' and t.amount <> sheet.total;
    perform muster.make_neighbours(assignment);
    perform muster.advance_assignment(assignment.id);
    select t.* into sheet from public.timesheets t where t.id = sheet.id;
  end if;
  return sheet;
end
$$;
--> statement-breakpoint
create or replace function muster.pay_for_hours(assignment public.assignments, time_zone text, worked tstzmultirange) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  minimum constant numeric := case
    when assignment.ended_as = 'stopped' then round(assignment.hourly_rate * assignment.minimum_minutes / 60, 2) else 0
  end;
begin
  return (
    select
      greatest(coalesce(sum(l.amount) filter (where l.kind <> 'allowance'), 0), minimum)
      + coalesce(sum(l.amount) filter (where l.kind = 'allowance'), 0)
    from muster.lines_of(assignment, time_zone, worked, '{}', true) l
  );
end
$$;
--> statement-breakpoint
create or replace function muster.add_adjustment(sheet public.timesheets, before tstzmultirange, after tstzmultirange) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  -- After every other line (muster.add_minimum).
  first_position constant integer := 2000;
  assignment public.assignments;
  difference numeric;
begin
  select a.* into assignment from public.assignments a where a.id = sheet.assignment_id;
  difference := muster.pay_for_hours(assignment, sheet.time_zone, after) - muster.pay_for_hours(assignment, sheet.time_zone, before);
  if difference = 0 then
    return;
  end if;
  insert into public.timesheet_lines (
    tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount, explanation, is_approved
  )
  select
    sheet.tenant_id, sheet.company_id, sheet.professional_id, sheet.id, first_position + count(l.id), 'adjustment',
    muster.seconds_of(after) - muster.seconds_of(before), assignment.hourly_rate, 1, difference,
    format(
      'Corrected: %s h instead of %s h', muster.duration_text(muster.seconds_of(after)), muster.duration_text(muster.seconds_of(before))
    ),
    true
  from public.timesheet_lines l
  where l.timesheet_id = sheet.id and l.kind = 'adjustment';
end
$$;
--> statement-breakpoint
-- What this correction changes, and nothing else: later events of a phone stay evidence. Its shift is locked.
create or replace function muster.adjust_timesheet(correction public.corrections) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  clocked_before constant tstzmultirange := muster.spans_of(correction.clocked_before);
  assignment public.assignments;
  sheet public.timesheets;
  hours record;
  before tstzmultirange;
  after tstzmultirange;
begin
  perform from public.security_professionals p where p.id = correction.professional_id for no key update;
  select t.* into sheet
  from public.timesheets t
  where t.assignment_id = correction.assignment_id and t.state in ('approved', 'locked')
  for no key update;
  if not found then
    return;
  end if;
  select a.* into assignment from public.assignments a where a.id = correction.assignment_id;
  select h.* into hours from muster.hours_of(assignment, null) h;
  before := muster.spans_of(coalesce(sheet.adjusted, sheet.paid));
  -- A minute that another shift of the person has is not paid again.
  after := before - (clocked_before - hours.clocked) + (hours.clocked - clocked_before) * hours.worked;
  if after = before then
    return;
  end if;
  update public.timesheets t set adjusted = muster.spans_json(after) where t.id = sheet.id;
  if sheet.state = 'locked' then
    perform muster.add_adjustment(sheet, before, after);
  end if;
  perform muster.make_neighbours(assignment);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_timesheets__keep_locked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' or (
    (to_jsonb(new) - 'flags' - 'adjusted' - 'updated_at' - 'changed_xid')
    <> (to_jsonb(old) - 'flags' - 'adjusted' - 'updated_at' - 'changed_xid')
  ) then
    perform muster.fail('timesheet_state', 'state');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_timesheet_lines__keep_locked() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from touched l
    join public.timesheets t on t.id = l.timesheet_id
    where t.state = 'locked' and (tg_op <> 'INSERT' or l.kind <> 'adjustment')
  ) then
    perform muster.fail('timesheet_state', 'state');
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger a_keep_locked_on_update before update on public.timesheets
  for each row when (old.state = 'locked')
  execute function muster.tg_timesheets__keep_locked();
--> statement-breakpoint
create or replace trigger a_keep_locked_on_delete before delete on public.timesheets
  for each row when (old.state = 'locked')
  execute function muster.tg_timesheets__keep_locked();
--> statement-breakpoint
-- Once for all lines of a statement: each completed shift makes lines.
create or replace trigger keep_locked_on_insert after insert on public.timesheet_lines
  referencing new table as touched
  for each statement execute function muster.tg_timesheet_lines__keep_locked();
--> statement-breakpoint
create or replace trigger keep_locked_on_update after update on public.timesheet_lines
  referencing old table as touched
  for each statement execute function muster.tg_timesheet_lines__keep_locked();
--> statement-breakpoint
create or replace trigger keep_locked_on_delete after delete on public.timesheet_lines
  referencing old table as touched
  for each statement execute function muster.tg_timesheet_lines__keep_locked();
--> statement-breakpoint
create or replace function muster.warn_of_stale_payments() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with waiting as (
    -- A week for both sides to agree on the hours. What was agreed on waits for its pay period to be closed.
    select t.tenant_id, t.created_at
    from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    where t.status = 'pending'
      and s.status = 'completed'
      and s.end_datetime < now() - interval '7 days'
      and not exists (
        select from public.timesheets h where h.assignment_id = t.assignment_id and h.state in ('approved', 'locked')
      )
    union all
    -- A day for the provider, who answers within minutes.
    select p.tenant_id, p.created_at
    from public.payouts p
    where p.status in ('pending', 'processing', 'failed') and p.created_at < now() - interval '1 day'
  ), stale as (
    select w.tenant_id, count(*) as payments, min(w.created_at) as oldest
    from waiting w
    group by w.tenant_id
  ), told as (
    insert into public.notifications (tenant_id, user_id, type, data, once_key)
    select a.tenant_id, a.user_id, 'payments_stale',
      jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest),
      'payments_stale ' || to_char(now() at time zone 'UTC', 'IYYY"W"IW')
    from stale s
    join public.memberships a on a.tenant_id = s.tenant_id and a.role = 'admin'
    join public.users u on u.id = a.user_id and u.deleted_at is null
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
--> statement-breakpoint
alter function muster.payout_queue() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_statements__queue_payout() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_corrections__note_clocked() owner to muster_definer;
--> statement-breakpoint
alter function muster.earnings_report(date,date,uuid,uuid,date,uuid,integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.hours_report(date,date,uuid,uuid,uuid,date,uuid,integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.open_pay_periods(integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.close_pay_period(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.settle_pay_period(uuid,uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.take_payouts(integer,interval) owner to muster_definer;
--> statement-breakpoint
alter function muster.note_payout_answer(uuid,text,text,text,integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.retry_payout(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_timesheet_lines__keep_locked() owner to muster_definer;
--> statement-breakpoint
alter materialized view muster.professional_earnings_summary owner to muster_definer;
--> statement-breakpoint
alter materialized view muster.company_hours_summary owner to muster_definer;
--> statement-breakpoint
alter table public.pay_terms enable row level security;
--> statement-breakpoint
alter table public.pay_terms force row level security;
--> statement-breakpoint
alter table public.pay_periods enable row level security;
--> statement-breakpoint
alter table public.pay_periods force row level security;
--> statement-breakpoint
alter table public.payouts enable row level security;
--> statement-breakpoint
alter table public.payouts force row level security;
--> statement-breakpoint
alter table public.payout_events enable row level security;
--> statement-breakpoint
alter table public.payout_events force row level security;
--> statement-breakpoint
alter table public.professional_tax_terms enable row level security;
--> statement-breakpoint
alter table public.professional_tax_terms force row level security;
--> statement-breakpoint
alter table public.statements enable row level security;
--> statement-breakpoint
alter table public.statements force row level security;
--> statement-breakpoint
alter table public.statement_lines enable row level security;
--> statement-breakpoint
alter table public.statement_lines force row level security;
--> statement-breakpoint
revoke all on table muster.professional_earnings_summary from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table muster.company_hours_summary from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.pay_terms from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.pay_periods from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.payouts from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.payout_events from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.professional_tax_terms from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.statements from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.statement_lines from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.payout_queue() from public;
--> statement-breakpoint
revoke execute on function muster.tg_statements__queue_payout() from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_statements(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_statement_lines(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tax_terms_on(uuid,date) from public;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__note_clocked() from public;
--> statement-breakpoint
revoke execute on function muster.is_report_filled(regclass) from public;
--> statement-breakpoint
revoke execute on function muster.unsettled_lines(pay_periods,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.earnings_report(date,date,uuid,uuid,date,uuid,integer) from public;
--> statement-breakpoint
revoke execute on function muster.hours_report(date,date,uuid,uuid,uuid,date,uuid,integer) from public;
--> statement-breakpoint
revoke execute on function muster.tg_timesheets__keep_locked() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_pay_periods(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_pay_periods(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_pay_terms__complete() from public;
--> statement-breakpoint
revoke execute on function muster.pay_terms_on(uuid,date) from public;
--> statement-breakpoint
revoke execute on function muster.pay_period_days(text,date) from public;
--> statement-breakpoint
revoke execute on function muster.open_pay_periods_of(uuid,integer) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_pay_period(pay_periods) from public;
--> statement-breakpoint
revoke execute on function muster.open_pay_periods(integer) from public;
--> statement-breakpoint
revoke execute on function muster.close_pay_period(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.settle_pay_period(uuid,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_payouts(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_payouts(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.payout_backoff(integer) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_payout(payouts,text,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.move_payout(payouts,text,text,text,text,text,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.take_payouts(integer,interval) from public;
--> statement-breakpoint
revoke execute on function muster.note_payout_answer(uuid,text,text,text,integer) from public;
--> statement-breakpoint
revoke execute on function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.retry_payout(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_statements(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_statement_lines(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.tg_professional_tax_terms__set_tenant() from public;
--> statement-breakpoint
revoke execute on function muster.make_statement(pay_periods,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.pay_for_hours(assignments,text,tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.add_adjustment(timesheets,tstzmultirange,tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.adjust_timesheet(corrections) from public;
--> statement-breakpoint
revoke execute on function muster.tg_timesheet_lines__keep_locked() from public;
--> statement-breakpoint
grant execute on function muster.add_adjustment(timesheets,tstzmultirange,tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.adjust_timesheet(corrections) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_pay_periods(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_payouts(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_statement_lines(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_statements(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.close_pay_period(uuid) to authenticated;
--> statement-breakpoint
grant execute on function muster.earnings_report(date,date,uuid,uuid,date,uuid,integer) to authenticated;
--> statement-breakpoint
grant execute on function muster.hours_report(date,date,uuid,uuid,uuid,date,uuid,integer) to authenticated;
--> statement-breakpoint
grant execute on function muster.is_report_filled(regclass) to muster_definer;
--> statement-breakpoint
grant execute on function muster.make_statement(pay_periods,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.move_payout(payouts,text,text,text,text,text,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.note_payout_answer(uuid,text,text,text,integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.notify_of_pay_period(pay_periods) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_payout(payouts,text,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.open_pay_periods(integer) to muster_jobs, service_role;
--> statement-breakpoint
grant execute on function muster.open_pay_periods_of(uuid,integer) to muster_definer;
--> statement-breakpoint
grant execute on function muster.pay_for_hours(assignments,text,tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.pay_period_days(text,date) to muster_definer;
--> statement-breakpoint
grant execute on function muster.pay_terms_on(uuid,date) to muster_definer;
--> statement-breakpoint
grant execute on function muster.payout_backoff(integer) to muster_definer;
--> statement-breakpoint
grant execute on function muster.payout_queue() to service_role;
--> statement-breakpoint
grant execute on function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.retry_payout(uuid) to authenticated;
--> statement-breakpoint
grant execute on function muster.seen_of_pay_periods(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_payouts(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_statement_lines(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_statements(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.settle_pay_period(uuid,uuid) to service_role;
--> statement-breakpoint
grant execute on function muster.take_payouts(integer,interval) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.tax_terms_on(uuid,date) to muster_definer;
--> statement-breakpoint
grant execute on function muster.unsettled_lines(pay_periods,uuid) to muster_definer;
--> statement-breakpoint
grant select on table public.pay_periods to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.pay_periods to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.pay_periods to service_role;
--> statement-breakpoint
grant select, insert (company_id, id, period, time_zone, valid_from) on table public.pay_terms to authenticated;
--> statement-breakpoint
grant select on table public.pay_terms to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.pay_terms to service_role;
--> statement-breakpoint
grant select (company_id, created_at, id, is_applied, occurred_at, payout_id, professional_id, reason, source, status, tenant_id) on table public.payout_events to authenticated;
--> statement-breakpoint
grant insert, select on table public.payout_events to muster_definer;
--> statement-breakpoint
grant select on table public.payout_events to service_role;
--> statement-breakpoint
grant select (amount, attempts, changed_xid, company_id, completed_at, created_at, currency, dead_at, id, last_error, next_attempt_at, professional_id, provider_reference, sent_at, statement_id, status, tenant_id, updated_at) on table public.payouts to authenticated;
--> statement-breakpoint
grant insert, select, update (attempts, completed_at, dead_at, last_error, next_attempt_at, provider_reference, sent_at, status) on table public.payouts to muster_definer;
--> statement-breakpoint
grant select on table public.payouts to service_role;
--> statement-breakpoint
grant select, insert (deduction_percent, deduction_reason, id, professional_id, valid_from, vat_exemption, vat_number, vat_rate) on table public.professional_tax_terms to authenticated;
--> statement-breakpoint
grant select on table public.professional_tax_terms to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.professional_tax_terms to service_role;
--> statement-breakpoint
grant select on table public.statement_lines to authenticated;
--> statement-breakpoint
grant insert, select on table public.statement_lines to muster_definer, service_role;
--> statement-breakpoint
grant select on table public.statements to authenticated;
--> statement-breakpoint
grant insert, select on table public.statements to muster_definer, service_role;
--> statement-breakpoint
grant select (adjusted) on table public.timesheets to authenticated;
--> statement-breakpoint
comment on function muster.tg_corrections__note_clocked() is
  'What the events said before the correction, where hours were approved: the difference is what it adjusts. Security definer: it reads check-ins.';
--> statement-breakpoint
comment on materialized view muster.professional_earnings_summary is 'What professionals earned at a company, by month.';
--> statement-breakpoint
comment on materialized view muster.company_hours_summary is 'Hours of companies by client, location and month.';
--> statement-breakpoint
comment on function muster.is_report_filled(regclass) is 'Whether a report was refreshed yet: reading one that was not is an error.';
--> statement-breakpoint
comment on function muster.earnings_report(date, date, uuid, uuid, date, uuid, integer) is
  'The rows of the earnings that are the caller''s, the latest month first. Security definer: a materialized view knows no policies.';
--> statement-breakpoint
comment on function muster.hours_report(date, date, uuid, uuid, uuid, date, uuid, integer) is
  'The rows of the hours that are the caller''s, the latest month first. Security definer: a materialized view knows no policies.';
--> statement-breakpoint
comment on function muster.audience_of_pay_periods(jsonb, timestamptz) is 'Who sees a pay period: pay_periods_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.pay_terms is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on public.pay_periods is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_pay_periods(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.pay_terms_on(uuid, date) is 'The pay terms of a company that are valid on that day.';
--> statement-breakpoint
comment on function muster.pay_period_days(text, date) is 'The first and the last day of the period of that length in which a day lies.';
--> statement-breakpoint
comment on function muster.open_pay_periods_of(uuid, integer) is
  'Makes the pay periods of a company up to the present one, from its first hours on; gives how many.';
--> statement-breakpoint
comment on function muster.open_pay_periods(integer) is
  'Background work: makes the pay periods that have begun; gives how many. Security definer: nobody writes periods by themselves.';
--> statement-breakpoint
comment on function muster.close_pay_period(uuid) is
  'Closes a pay period as its company or an admin. Security definer: nobody writes periods, statements and timesheets by themselves.';
--> statement-breakpoint
comment on function muster.settle_pay_period(uuid, uuid) is
  'Closes a pay period: locks its timesheets, and makes the statements. Security definer: as above.';
--> statement-breakpoint
comment on function muster.notify_of_pay_period(public.pay_periods) is 'A notification for each planner of a company that its period was closed.';
--> statement-breakpoint
comment on function muster.tg_pay_terms__complete() is
  'Pay terms are in the tenant of their company, in a zone by its present name; whose they may be the insert policy decides.';
--> statement-breakpoint
comment on policy pay_terms_read on public.pay_terms is 'The company, and admins.';
--> statement-breakpoint
comment on policy pay_terms_create on public.pay_terms is 'The company, and admins. No version is changed or removed.';
--> statement-breakpoint
comment on policy pay_periods_read on public.pay_periods is
  'The company, and admins. Nobody writes: background work opens periods, muster.close_pay_period closes them.';
--> statement-breakpoint
comment on function muster.audience_of_payouts(jsonb, timestamptz) is 'Who sees a payout: payouts_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.payouts is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_payouts(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on policy internal on public.payout_events is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_statements__queue_payout() is
  'The payout of a statement is queued with it, or neither is made. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.take_payouts(integer, interval) is
  'Background work: payouts that are due, which belong to the caller until the lease is over; whether somebody may have sent one before. Security definer: background work reads no tables.';
--> statement-breakpoint
comment on function muster.payout_backoff(integer) is 'How long to wait after so many tries without an answer.';
--> statement-breakpoint
comment on function muster.notify_of_payout(public.payouts, text, boolean) is
  'A notification for the professional who is paid; or for each planner of the company that pays, and each admin.';
--> statement-breakpoint
comment on function muster.move_payout(public.payouts, text, text, text, text, text, timestamptz) is
  'What the provider said of a payout: applied when it is further than what is known, else only kept; gives whether it was applied.';
--> statement-breakpoint
comment on function muster.note_payout_answer(uuid, text, text, text, integer) is
  'Background work: notes what the provider answered of a payout, or that it did not (none): then it is tried again, or after so many tries a dead letter; gives what came of it. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.receive_payout_event(text, uuid, text, text, timestamptz, text) is
  'Background work: takes what the provider reported of a payout, once for each event; gives applied, ignored (the payout is further already), duplicate or unknown. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.retry_payout(uuid) is
  'An admin begins a payout anew that failed, or that is a dead letter, with the same key. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.payout_queue() is
  'How the outbox stands: payouts on their way, how long the oldest has been due, dead letters, and those that failed. Security definer: whoever looks at the health of the service reads no payouts.';
--> statement-breakpoint
comment on policy payouts_read on public.payouts is
  'The company that pays, the professional who is paid, admins. Nobody writes: the functions of payouts.sql do.';
--> statement-breakpoint
comment on policy payout_events_read on public.payout_events is 'As payouts_read.';
--> statement-breakpoint
comment on function muster.audience_of_statements(jsonb, timestamptz) is 'Who sees a statement: statements_read, as groups.';
--> statement-breakpoint
comment on function muster.audience_of_statement_lines(jsonb, timestamptz) is
  'Who sees a line of a statement: statement_lines_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.professional_tax_terms is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on public.statements is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_statements(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on policy internal on public.statement_lines is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_statement_lines(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.tax_terms_on(uuid, date) is
  'The tax terms of a professional that are valid on that day. Who has stated nothing charges no VAT.';
--> statement-breakpoint
comment on function muster.unsettled_lines(public.pay_periods, uuid) is
  'The lines of timesheets that a period settles for a professional. They are locked.';
--> statement-breakpoint
comment on function muster.make_statement(public.pay_periods, uuid) is
  'The statement of a professional for a period that is being closed; null where there is nothing to settle.';
--> statement-breakpoint
comment on function muster.tg_professional_tax_terms__set_tenant() is
  'Tax terms are in the tenant of their professional; whose they may be the insert policy decides.';
--> statement-breakpoint
comment on policy professional_tax_terms_read on public.professional_tax_terms is
  'The professional, and admins. A company reads what was valid on the statement.';
--> statement-breakpoint
comment on policy professional_tax_terms_create on public.professional_tax_terms is
  'The professional, without deductions, and admins. No version is changed or removed.';
--> statement-breakpoint
comment on policy statements_read on public.statements is
  'The company that pays, the professional who is paid, admins. Nobody writes: closing a period does.';
--> statement-breakpoint
comment on policy statement_lines_read on public.statement_lines is 'The company that pays, the professional who is paid, admins.';
--> statement-breakpoint
comment on function muster.pay_for_hours(public.assignments, text, tstzmultirange) is 'What an assignment pays for hours on which people agreed.';
--> statement-breakpoint
comment on function muster.add_adjustment(public.timesheets, tstzmultirange, tstzmultirange) is
  'The line for what hours pay after a correction, less what they paid before it.';
--> statement-breakpoint
comment on function muster.adjust_timesheet(public.corrections) is
  'Brings a correction that is in effect since hours were approved to what they pay.';
--> statement-breakpoint
comment on function muster.tg_timesheets__keep_locked() is
  'Refuses to change what is locked, whoever asks; but for its flags, and the hours that are paid since.';
--> statement-breakpoint
comment on function muster.tg_timesheet_lines__keep_locked() is
  'Refuses to change the lines of what is locked: adjustments are appended. Security definer: whether or not the caller sees the timesheet.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796028900_pay_periods_statements_and_payouts_rules';
