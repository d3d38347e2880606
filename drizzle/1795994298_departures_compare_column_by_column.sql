drop trigger note_departure_on_update on public.shift_briefings;
--> statement-breakpoint
drop trigger note_departure_on_update on public.finqle_transactions;
--> statement-breakpoint
drop trigger note_departure_on_update on public.incidents;
--> statement-breakpoint
drop trigger note_departure_on_update on public.gps_checkins;
--> statement-breakpoint
drop trigger note_departure_on_update on public.shifts;
--> statement-breakpoint
-- `trail` is the name of the trigger that keeps who wrote the row last and when, for a table whose other triggers must come before:
-- they run in the order of their names. `none` is for rows that are not changed.
create or replace function muster.follow_table(
  relation regclass,
  trail text default null,
  soft_delete boolean default false,
  published text[] default null,
  audience text[] default null
) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  present constant text[] := array(
    select a.attname::text from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
  );
  is_edited constant boolean := 'updated_by' = any (present);
  missing constant text[] := array(
    select c.name
    from unnest(
      case when soft_delete then array['id', 'deleted_at'] end
      || case when published is not null then array['id', 'tenant_id', 'changed_xid'] end
      || case when trail is distinct from 'none' then array['updated_at'] end
      || published || audience
    ) as c (name)
    except select unnest(present)
  );
  relation_name constant text := (select c.relname from pg_class c where c.oid = relation);
  audience_function constant text := format('muster.%I(jsonb,timestamptz)', 'audience_of_' || relation_name);
  formerly text[];
begin
  if missing <> '{}' then
    raise exception using
      errcode = 'undefined_column',
      message = format('muster.follow_table: %s has no column %s', relation, array_to_string(missing, ', '));
  elsif (published is null) <> (audience is null) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('muster.follow_table: %s has to be given both what is published and the audience, or neither', relation);
  elsif published is not null and to_regprocedure(audience_function) is null then
    raise exception using
      errcode = 'undefined_function',
      message = format('muster.follow_table: %s is published and has no function %s', relation, audience_function);
  end if;

  execute format('alter table %s enable row level security', relation);
  execute format('alter table %s force row level security', relation);
  execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
  execute format('drop policy if exists internal on %s', relation);
  execute format(
    'create policy internal on %s to muster_definer, service_role using (true) with check (true)', relation
  );
  execute format(
    'comment on policy internal on %s is %L', relation,
    'Background work and the security definer functions; their grants say how far they reach.'
  );

  if trail is distinct from 'none' then
    execute format(
      'create or replace trigger %I before %s on %s for each row execute function %s',
      coalesce(trail, case when is_edited then 'edit_trail' else 'updated_at' end),
      case when is_edited then 'insert or update' else 'update' end,
      relation,
      case when is_edited then 'muster.set_edit_trail()' else 'muster.set_updated_at()' end
    );
  end if;

  if soft_delete then
    -- The trigger function reads and writes the row as its owner.
    execute format('grant select, update on %s to muster_definer', relation);
    execute format(
      'create or replace trigger soft_delete before delete on %s for each row execute function muster.tg_soft_delete()',
      relation
    );
  end if;

  if published is null then
    return;
  end if;
  -- The name sorts last, so that the other triggers compare old and new without it.
  execute format(
    'create or replace trigger z_stamp_change before insert or update on %s for each row execute function muster.tg_stamp_change()',
    relation
  );
  execute format(
    'create or replace trigger note_departure_on_delete after delete on %s for each row execute function muster.tg_note_departure()',
    relation
  );
  execute format(
    'create or replace trigger note_departure_on_update after update on %s
     for each row when (%s) execute function muster.tg_note_departure()',
    relation,
    -- One by one: rows that are compared are printed by the database in another spelling than they are read.
    (select string_agg(format('old.%1$I is distinct from new.%1$I', c.name), ' or ' order by c.nth)
     from unnest(audience) with ordinality as c (name, nth))
  );

  -- Its own, so that the plan is kept: it looks at every change. A deleted row is nobody's.
  execute format(
    $create$
create or replace function muster.%1$I(changes jsonb) returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $body$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when %4$s then array_remove(
        muster.%2$I((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join %3$s r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = %5$L
  );
end
$body$
    $create$,
    'seen_of_' || relation_name, 'audience_of_' || relation_name, relation,
    case when 'deleted_at' = any (present) then 'r.deleted_at is null' else 'true' end, relation_name
  );
  execute format(
    'comment on function muster.%I(jsonb) is %L', 'seen_of_' || relation_name,
    'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.'
  );
  execute format('revoke execute on function muster.%I(jsonb) from public', 'seen_of_' || relation_name);
  execute format('grant execute on function muster.%I(jsonb) to muster_definer', 'seen_of_' || relation_name);

  -- One that has every table needs none added, and cannot have any.
  if (select p.puballtables from pg_publication p where p.pubname = 'supabase_realtime') then
    return;
  end if;
  select t.attnames::text[] into formerly
  from pg_publication_tables t
  where t.pubname = 'supabase_realtime' and format('%I.%I', t.schemaname, t.tablename)::regclass = relation;
  if formerly @> published and formerly <@ published then
    return;
  elsif formerly is not null then
    execute format('alter publication supabase_realtime drop table %s', relation);
  end if;
  execute format(
    'alter publication supabase_realtime add table %s (%s)',
    relation, (select string_agg(quote_ident(c.name), ', ') from unnest(published) as c (name))
  );
end
$$;
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.shift_briefings FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.client_id IS DISTINCT FROM new.client_id) OR (old.professional_id IS DISTINCT FROM new.professional_id) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.gps_checkins FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.client_id IS DISTINCT FROM new.client_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
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
  'professional_unavailable', 'MU300'
);
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.incidents FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.client_id IS DISTINCT FROM new.client_id) OR (old.reported_by IS DISTINCT FROM new.reported_by) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.finqle_transactions FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.shifts FOR EACH ROW WHEN (((old.status IS DISTINCT FROM new.status) OR (old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.client_id IS DISTINCT FROM new.client_id) OR (old.professional_id IS DISTINCT FROM new.professional_id) OR (old.start_datetime IS DISTINCT FROM new.start_datetime) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create or replace function muster.assign_shift(wanted uuid, professional uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  perform muster.require_refusals_left(professional);
  begin
    update public.shifts s
    set status = 'assigned', professional_id = professional
    where s.id = wanted and s.status = 'published' and s.deleted_at is null and muster.manages_shift(s)
    returning s.* into shift;
  exception
    when sqlstate 'MU300' then
      perform muster.count_refused_assignment();
      return jsonb_build_object('refused', 'professional_unavailable');
  end;
  if shift.id is not null then
    return muster.shift_json(
      shift, (select b.text from public.shift_briefings b where b.shift_id = shift.id)
    );
  end if;

  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;
  perform muster.fail('shift_not_open', 'status');
end
$$;
--> statement-breakpoint
create or replace function muster.change_assigned_shift(wanted uuid, change jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  select s.* into shift
  from public.shifts s
  where s.id = wanted and s.status in ('assigned', 'active') and s.deleted_at is null and muster.manages_shift(s)
  for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  end if;
  perform muster.require_refusals_left(shift.professional_id);
  -- Of the members, those count that a caller may change (the grants below).
  shift := jsonb_populate_record(shift, change);
  begin
    update public.shifts s
    set location_id = shift.location_id,
        start_datetime = shift.start_datetime,
        end_datetime = shift.end_datetime,
        hourly_rate = shift.hourly_rate,
        overtime_rate = shift.overtime_rate,
        required_certificates = shift.required_certificates,
        title = shift.title,
        description = shift.description
    where s.id = wanted;
  exception
    when sqlstate 'MU300' then
      perform muster.count_refused_assignment();
      return jsonb_build_object('refused', 'professional_unavailable');
  end;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795994298_departures_compare_column_by_column';
