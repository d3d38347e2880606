-- Checks of changes take less. Helpers are called when they are first needed: whether a guard sees an open shift takes one
-- of them instead of four. And errors are caught once for all subscribers, until there is one.

alter policy shifts_read on public.shifts
  using (
    deleted_at is null
    and (
      (status = 'published' and start_datetime > now() and tenant_id = (select muster.guard_tenant_id()))
      or company_id = (select muster.company_id())
      or (status <> 'draft' and client_id = (select muster.client_id()))
      or (status in ('assigned', 'active', 'completed') and professional_id = (select muster.professional_id()))
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create or replace function muster.visible_rows(
  statement_name text,
  statement text,
  parameter_types text,
  arguments text[],
  acting_role text,
  claims text,
  xids bigint[],
  patience interval
) returns text
language plpgsql
volatile
as $$
declare
  execution constant text := pg_catalog.format(
    'execute %I (%s)',
    statement_name,
    (select pg_catalog.string_agg(pg_catalog.quote_nullable(a.value), ', ' order by a.nth)
     from pg_catalog.unnest(arguments) with ordinality a (value, nth))
  );
  subscribers constant text[] := pg_catalog.string_to_array(claims, E'\n');
  subscriber text;
  visible integer[];
  answers text[] := '{}';
begin
  if not muster.await_xids(xids, patience) then
    return null;
  end if;

  perform pg_catalog.set_config('role', acting_role, true);
  begin
    if not exists (select from pg_catalog.pg_prepared_statements p where p.name = statement_name) then
      execute pg_catalog.format('prepare %I (%s) as %s', statement_name, parameter_types, statement);
    end if;
  exception
    -- The role may not even name the table.
    when others then
      return pg_catalog.to_json(pg_catalog.array_fill(
        '!' || sqlstate, array[pg_catalog.cardinality(subscribers)]
      ));
  end;

  -- A block that catches errors costs a good part of a check: the first one is around all of them.
  begin
    foreach subscriber in array subscribers loop
      perform pg_catalog.set_config('request.jwt.claims', subscriber, true);
      visible := null;
      execute execution into visible;
      answers := answers || coalesce(pg_catalog.array_to_string(visible, ','), '');
    end loop;
    return pg_catalog.to_json(answers);
  exception
    when others then
      answers := '{}';
  end;

  -- Somebody's policy fails: nobody else is to pay for it.
  foreach subscriber in array subscribers loop
    begin
      perform pg_catalog.set_config('request.jwt.claims', subscriber, true);
      visible := null;
      execute execution into visible;
      answers := answers || coalesce(pg_catalog.array_to_string(visible, ','), '');
    exception
      when others then
        answers := answers || ('!' || sqlstate);
    end;
  end loop;
  return pg_catalog.to_json(answers);
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795324577_checks_take_less';
