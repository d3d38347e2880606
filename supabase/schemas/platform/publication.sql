-- Publication: what clients follow, and the role of the login that reads the log.
--
-- * The publication `supabase_realtime` holds the tables that clients follow, with the columns that they get (muster.follow_table):
--   not `deleted_at` (a row that is visible has none), not who edited, nor what only background work needs. A publication that
--   exists is kept, and gets these tables.

do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    comment on publication supabase_realtime is 'created by muster';
  end if;
end
$$;

-- Its members read the log, and with it every change of the server's databases: logins for nothing else, which own nothing and
-- can become nobody else. REPLICATION is not inherited. Only a superuser, or from PostgreSQL 16 on a role that has it, may hand it out.
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
