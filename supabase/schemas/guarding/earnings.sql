-- Earnings: reports over months, of what professionals earned and of the hours that companies have.
--
-- * They are materialized views (platform/reports.sql), which jobs refresh: what was closed or approved since the last refresh is not in
--   them yet.
-- * muster.professional_earnings_summary adds the statements of a professional and a company by the month in which the period ended.
-- * muster.company_hours_summary adds the timesheets of a company by client, location and the month of the planned start: agreed hours
--   and what they pay, and how many timesheets are still open.
-- * Nobody reads the views but two functions, which give each caller the rows that are theirs: a professional their own earnings, a
--   company those that it pays and its own hours, admins all of their tenant. Clients have neither: both tell of money.

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
comment on materialized view muster.professional_earnings_summary is 'What professionals earned at a company, by month.';
create unique index if not exists professional_earnings_summary_key
  on muster.professional_earnings_summary (professional_id, company_id, month, currency);
create index if not exists professional_earnings_summary_company_idx on muster.professional_earnings_summary (company_id, month, id);
create index if not exists professional_earnings_summary_tenant_idx on muster.professional_earnings_summary (tenant_id, month, id);
select muster.keep_report('muster.professional_earnings_summary');

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
comment on materialized view muster.company_hours_summary is 'Hours of companies by client, location and month.';
create unique index if not exists company_hours_summary_key
  on muster.company_hours_summary (company_id, client_id, location_id, month, currency);
create index if not exists company_hours_summary_company_idx on muster.company_hours_summary (company_id, month, id);
create index if not exists company_hours_summary_tenant_idx on muster.company_hours_summary (tenant_id, month, id);
select muster.keep_report('muster.company_hours_summary');

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
comment on function muster.earnings_report(date, date, uuid, uuid, date, uuid, integer) is
  'The rows of the earnings that are the caller''s, the latest month first. Security definer: a materialized view knows no policies.';

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
comment on function muster.hours_report(date, date, uuid, uuid, uuid, date, uuid, integer) is
  'The rows of the hours that are the caller''s, the latest month first. Security definer: a materialized view knows no policies.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function
  muster.earnings_report(date, date, uuid, uuid, date, uuid, integer),
  muster.hours_report(date, date, uuid, uuid, uuid, date, uuid, integer)
to authenticated;

alter function muster.earnings_report(date, date, uuid, uuid, date, uuid, integer) owner to muster_definer;
alter function muster.hours_report(date, date, uuid, uuid, uuid, date, uuid, integer) owner to muster_definer;
