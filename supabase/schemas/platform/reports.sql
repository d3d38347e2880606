-- Reports: sums over many rows that are read often, kept as materialized views.
--
-- * A module makes the view in the schema `muster`, with a unique index over whole columns, and hands it over:
--
--     create materialized view if not exists muster.hours_by_month as select …;
--     create unique index if not exists hours_by_month_key on muster.hours_by_month (company_id, month);
--     select muster.keep_report('muster.hours_by_month');
--
--   It declares when the view is refreshed in its module.ts (`reportJob`).
-- * A materialized view knows no policies. So nobody may read it but muster_definer, who owns it: a security definer function of the
--   module gives each caller the rows that are theirs.
-- * The owner of the tables would refresh it empty, because forced row level security binds an owner who is no superuser.
--   It may be empty after the migration, for the same reason, until the job has run: when the service starts.
-- * A refresh runs beside those who read (`concurrently`).

create or replace function muster.keep_report(report regclass) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_class c where c.oid = report and c.relkind = 'm' and c.relnamespace = 'muster'::regnamespace) then
    raise exception using
      errcode = 'wrong_object_type',
      message = format('muster.keep_report: %s is no materialized view of the schema muster', report);
  elsif not exists (
    select from pg_index i
    where i.indrelid = report and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
  ) then
    raise exception using
      errcode = 'invalid_object_definition',
      message = format('muster.keep_report: %s has no unique index over columns, which refreshing beside readers needs', report);
  end if;
  execute format('revoke all on %s from public, anon, authenticated, service_role', report);
  execute format('alter materialized view %s owner to muster_definer', report);
end
$$;
comment on function muster.keep_report(regclass) is 'Makes a materialized view a report: nobody reads it but the functions of muster_definer.';
revoke execute on function muster.keep_report(regclass) from public;

create or replace function muster.refresh_report(report text) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  is_filled boolean;
  found bigint;
begin
  select c.relispopulated into is_filled
  from pg_class c
  where c.relname = report and c.relkind = 'm' and c.relnamespace = 'muster'::regnamespace;
  if is_filled is null then
    raise exception using errcode = 'undefined_table', message = format('muster.refresh_report: there is no report %s', report);
  end if;
  execute format('refresh materialized view %s muster.%I', case when is_filled then 'concurrently' else '' end, report);
  execute format('select count(*) from muster.%I', report) into found;
  return found;
end
$$;
comment on function muster.refresh_report(text) is
  'Background work: brings a report up to date; how many rows it has. Security definer: its owner reads all rows.';
revoke execute on function muster.refresh_report(text) from public;
grant execute on function muster.refresh_report(text) to muster_jobs;
alter function muster.refresh_report(text) owner to muster_definer;

create or replace function muster.is_report_filled(report regclass) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select c.relispopulated from pg_class c where c.oid = report;
end;
comment on function muster.is_report_filled(regclass) is 'Whether a report was refreshed yet: reading one that was not is an error.';
grant execute on function muster.is_report_filled(regclass) to muster_definer;
