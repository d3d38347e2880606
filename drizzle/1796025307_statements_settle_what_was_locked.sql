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
alter table public.pay_terms enable row level security;
--> statement-breakpoint
alter table public.pay_terms force row level security;
--> statement-breakpoint
alter table public.pay_periods enable row level security;
--> statement-breakpoint
alter table public.pay_periods force row level security;
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
revoke all on table public.pay_terms from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.pay_periods from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.professional_tax_terms from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.statements from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.statement_lines from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.seen_of_statements(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_statement_lines(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_professional_tax_terms__set_tenant() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_pay_periods(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_pay_periods(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_pay_terms__complete() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_statements(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_statement_lines(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.audience_of_pay_periods(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_statement_lines(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_statements(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_pay_periods(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_statement_lines(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_statements(jsonb) to muster_definer;
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
comment on function muster.audience_of_pay_periods(jsonb, timestamptz) is 'Who sees a pay period: pay_periods_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.pay_terms is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on public.pay_periods is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_pay_periods(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
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
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025307_statements_settle_what_was_locked';
