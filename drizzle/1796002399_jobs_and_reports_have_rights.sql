-- Asks who is above the rules, not who is below them: a statement that changes its role while it runs (by set_config)
-- arrives in its triggers as the login. In plpgsql, so that its plan is kept: every write comes by here, some more than once.
create or replace function muster.acts_for_caller() returns boolean
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The usual answer needs no look at the roles: a check-in asks for each row.
  if muster.acting_role() in ('authenticated', 'anon') then
    return true;
  end if;
  return not exists (
    select from pg_catalog.pg_roles r
    where r.rolname = muster.acting_role() and (r.rolname in ('service_role', 'muster_jobs') or r.rolsuper or r.rolbypassrls)
  );
end
$$;
--> statement-breakpoint
create policy run on muster.jobs for all to muster_jobs using (true) with check (true);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
alter function muster.refresh_report(text) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.keep_report(regclass) from public;
--> statement-breakpoint
revoke execute on function muster.refresh_report(text) from public;
--> statement-breakpoint
grant execute on function muster.forget_departed_rows() to muster_jobs;
--> statement-breakpoint
grant execute on function muster.forget_idempotency_keys(interval) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.refresh_report(text) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.sample_sizes() to muster_jobs;
--> statement-breakpoint
grant execute on function muster.warn_of_expiring_certificates() to muster_jobs;
--> statement-breakpoint
grant execute on function muster.warn_of_stale_payments() to muster_jobs;
--> statement-breakpoint
grant insert, select, update on table muster.jobs to muster_jobs;
--> statement-breakpoint
comment on function muster.acts_for_caller() is
  'Whether the session acts for one whom the rules bind: everybody but service_role, jobs, and those who bypass row level security.';
--> statement-breakpoint
comment on policy run on muster.jobs is 'Whoever runs jobs keeps how all of them stand.';
--> statement-breakpoint
comment on function muster.keep_report(regclass) is 'Makes a materialized view a report: nobody reads it but the functions of muster_definer.';
--> statement-breakpoint
comment on function muster.refresh_report(text) is
  'Background work: brings a report up to date; how many rows it has. Security definer: its owner reads all rows.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796002399_jobs_and_reports_have_rights';
