-- Earnings of drivers: a report over months.
--
-- * muster.driver_earnings_summary adds the statements of a driver by the month in which the period ended. It is a materialized view
--   (platform/reports.sql), which a job refreshes: what was settled since the last refresh is not in it yet.
-- * Nobody reads the view but a function, which gives each caller the rows that are theirs: drivers their own, the office those of its
--   carrier, admins all of the tenant.

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
comment on materialized view muster.driver_earnings_summary is 'What drivers earned, by month.';
create unique index if not exists driver_earnings_summary_key on muster.driver_earnings_summary (driver_id, month, currency);
create index if not exists driver_earnings_summary_carrier_idx on muster.driver_earnings_summary (organization_id, month, id);
create index if not exists driver_earnings_summary_tenant_idx on muster.driver_earnings_summary (tenant_id, month, id);
select muster.keep_report('muster.driver_earnings_summary');

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
comment on function muster.driver_earnings_report(date, date, uuid, date, uuid, integer) is
  'The rows of the earnings that are the caller''s, the latest month first. Security definer: a materialized view knows no policies.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function muster.driver_earnings_report(date, date, uuid, date, uuid, integer) to authenticated;

alter function muster.driver_earnings_report(date, date, uuid, date, uuid, integer) owner to muster_definer;
