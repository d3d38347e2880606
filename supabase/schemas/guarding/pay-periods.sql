-- Pay periods: the days for which a company pays at once, and what it is to close one.
--
-- * docs/decisions/038-statements-settle-what-was-locked.md has the rules; this file says them in SQL.
-- * Pay terms are versions: of the rows of a company, the one with the newest `valid_from` that had come on the first day of a period
--   says how long the period is and in which zone its days begin. A version is never changed or removed. A company without a row has
--   the defaults of muster.pay_terms_on.
-- * The periods of a company follow each other without a gap, and are closed in that order, once they are over. A period that is there
--   keeps its days, whatever terms come later.
-- * Closing one locks the timesheets that were approved and began before its end, and settles their lines on statements
--   (statements.sql), in one transaction. Hours that are approved later are locked by the next period.
-- * Whoever closes locks the period, then all professionals in the order of their ids, as everybody does who approves many
--   (timesheets.sql): nobody approves, disputes or corrects these hours meanwhile.
-- * The company and admins see its terms and periods. They add terms, and close periods by muster.close_pay_period.

create or replace function muster.audience_of_pay_periods(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id')
  ];
end
$$;
comment on function muster.audience_of_pay_periods(jsonb, timestamptz) is 'Who sees a pay period: pay_periods_read, as groups.';
grant execute on function muster.audience_of_pay_periods(jsonb, timestamptz) to muster_definer;

select muster.follow_table('public.pay_terms', trail => 'none');
select muster.follow_table(
  'public.pay_periods',
  published => array['id', 'company_id', 'period', 'time_zone', 'first_day', 'last_day', 'starts_at', 'ends_at', 'state', 'closed_at',
    'closed_by', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id']
);

-- ---- Days ---------------------------------------------------------------------------------------------------------------

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
comment on function muster.pay_terms_on(uuid, date) is 'The pay terms of a company that are valid on that day.';

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
comment on function muster.pay_period_days(text, date) is 'The first and the last day of the period of that length in which a day lies.';

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
comment on function muster.open_pay_periods_of(uuid, integer) is
  'Makes the pay periods of a company up to the present one, from its first hours on; gives how many.';

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
comment on function muster.open_pay_periods(integer) is
  'Background work: makes the pay periods that have begun; gives how many. Security definer: nobody writes periods by themselves.';

-- ---- Closing ------------------------------------------------------------------------------------------------------------

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
comment on function muster.close_pay_period(uuid) is
  'Closes a pay period as its company or an admin. Security definer: nobody writes periods, statements and timesheets by themselves.';

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
comment on function muster.settle_pay_period(uuid, uuid) is
  'Closes a pay period: locks its timesheets, and makes the statements. Security definer: as above.';

create or replace function muster.notify_of_pay_period(period public.pay_periods) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select period.tenant_id, planner.id, 'pay_period_closed', jsonb_build_object(
    'pay_period_id', period.id,
    'first_day', period.first_day,
    'last_day', period.last_day,
    'statements', made.statements,
    'payable', made.payable,
    'currency', 'EUR'
  )
  from muster.members_as('company', period.company_id) planner (id)
  cross join (
    select count(*) as statements, coalesce(sum(s.payable), 0) as payable
    from public.statements s
    where s.pay_period_id = period.id
  ) made;
end
$$;
comment on function muster.notify_of_pay_period(public.pay_periods) is 'A notification for each planner of a company that its period was closed.';

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
comment on function muster.tg_pay_terms__complete() is
  'Pay terms are in the tenant of their company, in a zone by its present name; whose they may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_complete before insert on public.pay_terms
  for each row execute function muster.tg_pay_terms__complete();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists pay_terms_read on public.pay_terms;
create policy pay_terms_read on public.pay_terms for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy pay_terms_read on public.pay_terms is 'The company, and admins.';
drop policy if exists pay_terms_create on public.pay_terms;
create policy pay_terms_create on public.pay_terms for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy pay_terms_create on public.pay_terms is 'The company, and admins. No version is changed or removed.';
drop policy if exists pay_periods_read on public.pay_periods;
create policy pay_periods_read on public.pay_periods for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy pay_periods_read on public.pay_periods is
  'The company, and admins. Nobody writes: background work opens periods, muster.close_pay_period closes them.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.pay_terms to authenticated;
grant insert (id, company_id, valid_from, period, time_zone) on public.pay_terms to authenticated;
grant select, insert, update, delete on public.pay_terms to service_role;
grant select on public.pay_terms to muster_definer;
grant select on public.pay_periods to authenticated;
grant select, insert, update, delete on public.pay_periods to service_role;
grant select, insert, update on public.pay_periods to muster_definer;

grant execute on function
  muster.pay_terms_on(uuid, date),
  muster.pay_period_days(text, date),
  muster.open_pay_periods_of(uuid, integer),
  muster.notify_of_pay_period(public.pay_periods)
to muster_definer;
grant execute on function muster.open_pay_periods(integer) to muster_jobs, service_role;
-- The demo closes a period of which no caller knows.
grant execute on function muster.settle_pay_period(uuid, uuid) to service_role;
grant execute on function muster.close_pay_period(uuid) to authenticated;

alter function muster.open_pay_periods(integer) owner to muster_definer;
alter function muster.close_pay_period(uuid) owner to muster_definer;
alter function muster.settle_pay_period(uuid, uuid) owner to muster_definer;
