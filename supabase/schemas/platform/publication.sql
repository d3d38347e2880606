-- Publication: which tables clients follow, with which columns, and the login that reads the log.
--
-- * The publication `supabase_realtime` holds the six tables that clients follow, with the columns that they get: not
--   `deleted_at` (a row that is visible has none), not who edited, nor what only the payment provider needs. A
--   publication that exists is kept, and gets these tables.

do $$
declare
  published constant jsonb := '{
    "shifts": ["id", "company_id", "client_id", "location_id", "professional_id", "status", "start_datetime",
      "end_datetime", "hourly_rate", "overtime_rate", "required_certificates", "title", "description",
      "cancel_reason", "location_point", "time_zone", "created_at", "updated_at"],
    "shift_briefings": ["id", "company_id", "client_id", "shift_id", "professional_id", "text", "created_at",
      "updated_at"],
    "gps_checkins": ["id", "company_id", "client_id", "shift_id", "professional_id", "kind", "gps_point",
      "accuracy_meters", "distance_meters", "is_within_radius", "verdict", "recorded_at", "created_at", "updated_at"],
    "incidents": ["id", "company_id", "client_id", "shift_id", "reported_by", "category", "severity", "description",
      "incident_point", "occurred_at", "status", "created_at", "updated_at"],
    "finqle_transactions": ["id", "company_id", "shift_id", "professional_id", "amount", "status", "created_at",
      "updated_at"],
    "notifications": ["id", "user_id", "type", "data", "read_at", "created_at", "updated_at"]
  }';
  entry record;
  present name[];
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    comment on publication supabase_realtime is 'created by muster';
  end if;
  -- One that has every table needs none added, and cannot have any.
  if (select puballtables from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    return;
  end if;
  for entry in
    select p.key as name, array_agg(c.value order by c.nth) as columns
    from jsonb_each(published) p
    cross join lateral jsonb_array_elements_text(p.value) with ordinality c (value, nth)
    group by p.key
    order by p.key
  loop
    select t.attnames into present
    from pg_catalog.pg_publication_tables t
    where t.pubname = 'supabase_realtime' and t.schemaname = 'public' and t.tablename = entry.name;
    if found and present::text[] @> entry.columns and present::text[] <@ entry.columns then
      continue;
    elsif found then
      execute format('alter publication supabase_realtime drop table public.%I', entry.name);
    end if;
    execute format(
      'alter publication supabase_realtime add table public.%I (%s)',
      entry.name, (select string_agg(quote_ident(c), ', ') from unnest(entry.columns) c)
    );
  end loop;
end
$$;

-- It reads the log, and with it every change of the server's databases: a login for nothing else, which owns nothing and
-- can become nobody. Only a superuser, or from PostgreSQL 16 on a role with REPLICATION, may hand that out.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'muster_replicator') then
    begin
      create role muster_replicator nologin noinherit replication;
    exception
      when insufficient_privilege then
        create role muster_replicator nologin noinherit;
        raise warning 'muster_replicator has no REPLICATION: realtime needs a login that has (DATABASE_REPLICATION_URL).';
    end;
    comment on role muster_replicator is 'created by muster';
  end if;
end
$$;
-- Keeps the role in the server for as long as one of its databases uses it.
grant usage on schema muster to muster_replicator;
