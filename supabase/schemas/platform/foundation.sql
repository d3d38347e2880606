-- Foundation: schemas, roles and the functions that everything else stands on.
--
-- * `anon`, `authenticated` and `service_role` are Supabase's roles; they are made only where they are missing.
-- * `muster_definer` owns the security definer functions. It cannot log in, owns no table, and sees what its policies
--   and grants give it (beside the rules of each table). It needs no BYPASSRLS, which a managed database may not hand out.
-- * `muster_api` and `muster_worker` are what the logins of the service are members of. They own nothing, inherit nothing and can only
--   become `anon`/`authenticated`, and `service_role`, so that injected SQL in a caller's session cannot reach more. They cannot log
--   in: roles are the whole server's, and the service makes logins for its database, such as `muster_api_16412`.
-- * `muster_jobs` is what background jobs act as: it can do what its grants say, which are the functions of the jobs that modules
--   declare, and become nobody else. Like service_role it acts for no caller.
-- * `muster_signin` is what sign-in acts as: it alone uses schema `sign_in` (who can sign in, and by what), and reads nothing else.
-- * Modules extend what is below them by functions that are found by their names (muster.functions_of).
-- * Nothing here knows a table. What every table needs (who wrote it and when, soft delete) is a trigger function; people and
--   the trades put it on theirs.
-- * The extensions live in schema `extensions`; where PostGIS is already in `public` it is used there.
-- * A function of one expression (`return …`) has no SET clause where possible, so the planner can inline it. A SET clause would cost
--   a call and a plan each time. Its names were resolved when it was created, so it needs no search_path.
-- * Every other function ends its search_path with pg_temp. Unless it is named, the temporary schema is searched *first* for
--   types, also with an empty path: a caller's domain `pg_temp.text` would run the caller's code as muster_definer.

-- A comment marks the objects that this file creates rather than finds. The down migration drops only marked objects.
do $$
begin
  if to_regnamespace('extensions') is null then
    create schema extensions;
    comment on schema extensions is 'created by muster';
  end if;
  if to_regnamespace('auth') is null then
    create schema auth;
    comment on schema auth is 'created by muster';
  end if;
  if not exists (select from pg_catalog.pg_extension where extname = 'postgis') then
    create extension postgis schema extensions;
    comment on extension postgis is 'created by muster';
  end if;
  if not exists (select from pg_catalog.pg_extension where extname = 'btree_gist') then
    create extension btree_gist schema extensions;
    comment on extension btree_gist is 'created by muster';
  end if;
end
$$;

-- Functions of PostGIS show everybody the extent and the histogram of any column, past row level security: in a tenant with one
-- guard, the guard's home. Where somebody else owns PostGIS (managed databases), the revoke has no effect, with a warning.
do $$
declare
  revealing regprocedure;
begin
  for revealing in
    select p.oid
    from pg_catalog.pg_proc p
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    join pg_catalog.pg_extension e on e.oid = d.refobjid and e.extname = 'postgis'
    where p.proname in (
      'st_estimatedextent', '_postgis_stats', '_postgis_selectivity', '_postgis_join_selectivity',
      '_postgis_index_extent'
    )
  loop
    execute format('revoke execute on function %s from public', revealing);
  end loop;
end
$$;

create schema if not exists muster;
comment on schema muster is 'Muster''s own functions. Not exposed by any API.';

create schema if not exists sign_in;
comment on schema sign_in is 'Who can sign in, and by what. Not exposed by any API.';

do $$
declare
  role_name text;
begin
  foreach role_name in array array['anon', 'authenticated', 'service_role', 'muster_definer', 'muster_api', 'muster_worker', 'muster_jobs', 'muster_signin'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = role_name) then
      execute format('create role %I nologin noinherit', role_name);
            execute format('comment on role %I is %L', role_name, 'created by muster');
    end if;
  end loop;
end
$$;

grant anon, authenticated to muster_api;
grant service_role, muster_jobs to muster_worker;

-- The owner hands functions to muster_definer, and for that must be a member of it.
do $$
begin
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    execute format('grant muster_definer to %I', current_user);
  end if;
end
$$;

revoke create on schema public from public;
revoke all on schema muster from public;
grant usage on schema muster to anon, authenticated, service_role, muster_jobs, muster_signin;
revoke all on schema sign_in from public;
grant usage on schema sign_in to muster_signin, muster_definer;
grant usage, create on schema muster to muster_definer;
grant usage on schema public, extensions to anon, authenticated, service_role, muster_definer;

-- Supabase's own `auth` schema is left alone; elsewhere the two functions that its policies use are provided.
do $$
begin
  if to_regprocedure('auth.jwt()') is null then
    execute $create$
      create function auth.jwt() returns jsonb
      language sql
      stable
      return nullif(current_setting('request.jwt.claims', true), '')::jsonb
    $create$;
    comment on function auth.jwt() is 'The claims of the caller''s token; null without one.';
  end if;
  if to_regprocedure('auth.uid()') is null then
    execute $create$
      create function auth.uid() returns uuid
      language sql
      stable
      return nullif(auth.jwt() ->> 'sub', '')::uuid
    $create$;
    comment on function auth.uid() is 'The subject of the caller''s token; null without one.';
  end if;
  if to_regprocedure('auth.role()') is null then
    execute $create$
      create function auth.role() returns text
      language sql
      stable
      return nullif(auth.jwt() ->> 'role', '')
    $create$;
    comment on function auth.role() is 'The role of the caller''s token; null without one.';
  end if;
  if not has_schema_privilege('authenticated', 'auth', 'usage') then
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
end
$$;

-- RFC 9562, section 5.7: 48 bits of Unix time in milliseconds, then version and variant, the rest random.
create or replace function muster.uuid_v7() returns uuid
language plpgsql
volatile
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid;
end
$$;
comment on function muster.uuid_v7() is 'A UUID of version 7 (RFC 9562): time-ordered, so inserts stay local in an index.';
grant execute on function muster.uuid_v7() to anon, authenticated, service_role, muster_definer;

-- PostgreSQL also takes POSIX forms for a time zone, 'FOO3' and even 'Europe/Foo+3'; only IANA names are meant here. The form
-- alone is the column's check: what a server knows changes with its packages, and a row that was stored must not keep a backup
-- from being restored, nor its other columns from being changed. tg_locations__name_time_zone asks whether the zone is known.
create or replace function muster.is_time_zone(name text) returns boolean
language sql
immutable
parallel safe
return name ~ '^(UTC|Etc/GMT(\+([1-9]|1[0-2])|-([1-9]|1[0-4]))|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+){1,2})$';
comment on function muster.is_time_zone(text) is 'Whether the text has the form of an IANA time zone name.';
grant execute on function muster.is_time_zone(text) to anon, authenticated, service_role, muster_definer;

-- Old names go first: Debian 13 has them in a package of their own, and a server without it does not know them any more. They are
-- what browsers and phones send, though: Chrome says Asia/Calcutta and Europe/Kiev.
create or replace function muster.canonical_time_zone(given text) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
-- As it is with a setting of the function, the session's own comes back when it ends.
set timezone = 'UTC'
as $$
declare
  -- The links of the IANA time zone database, 2025b, whose names are those of no country's zone (zone.tab).
  renamed constant jsonb := '{
    "Africa/Asmera": "Africa/Nairobi", "Africa/Timbuktu": "Africa/Abidjan",
    "America/Argentina/ComodRivadavia": "America/Argentina/Catamarca", "America/Atka": "America/Adak",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires", "America/Catamarca": "America/Argentina/Catamarca",
    "America/Coral_Harbour": "America/Panama", "America/Cordoba": "America/Argentina/Cordoba",
    "America/Ensenada": "America/Tijuana", "America/Fort_Wayne": "America/Indiana/Indianapolis",
    "America/Godthab": "America/Nuuk", "America/Indianapolis": "America/Indiana/Indianapolis",
    "America/Jujuy": "America/Argentina/Jujuy", "America/Knox_IN": "America/Indiana/Knox",
    "America/Louisville": "America/Kentucky/Louisville", "America/Mendoza": "America/Argentina/Mendoza",
    "America/Montreal": "America/Toronto", "America/Nipigon": "America/Toronto", "America/Pangnirtung": "America/Iqaluit",
    "America/Porto_Acre": "America/Rio_Branco", "America/Rainy_River": "America/Winnipeg",
    "America/Rosario": "America/Argentina/Cordoba", "America/Santa_Isabel": "America/Tijuana",
    "America/Shiprock": "America/Denver", "America/Thunder_Bay": "America/Toronto", "America/Virgin": "America/Puerto_Rico",
    "America/Yellowknife": "America/Edmonton", "Antarctica/South_Pole": "Pacific/Auckland",
    "Asia/Ashkhabad": "Asia/Ashgabat", "Asia/Calcutta": "Asia/Kolkata", "Asia/Choibalsan": "Asia/Ulaanbaatar",
    "Asia/Chongqing": "Asia/Shanghai", "Asia/Chungking": "Asia/Shanghai", "Asia/Dacca": "Asia/Dhaka",
    "Asia/Harbin": "Asia/Shanghai", "Asia/Istanbul": "Europe/Istanbul", "Asia/Kashgar": "Asia/Urumqi",
    "Asia/Katmandu": "Asia/Kathmandu", "Asia/Macao": "Asia/Macau", "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh", "Asia/Tel_Aviv": "Asia/Jerusalem", "Asia/Thimbu": "Asia/Thimphu",
    "Asia/Ujung_Pandang": "Asia/Makassar", "Asia/Ulan_Bator": "Asia/Ulaanbaatar", "Atlantic/Faeroe": "Atlantic/Faroe",
    "Atlantic/Jan_Mayen": "Europe/Berlin", "Australia/ACT": "Australia/Sydney", "Australia/Canberra": "Australia/Sydney",
    "Australia/Currie": "Australia/Hobart", "Australia/LHI": "Australia/Lord_Howe", "Australia/NSW": "Australia/Sydney",
    "Australia/North": "Australia/Darwin", "Australia/Queensland": "Australia/Brisbane",
    "Australia/South": "Australia/Adelaide", "Australia/Tasmania": "Australia/Hobart",
    "Australia/Victoria": "Australia/Melbourne", "Australia/West": "Australia/Perth",
    "Australia/Yancowinna": "Australia/Broken_Hill", "Brazil/Acre": "America/Rio_Branco",
    "Brazil/DeNoronha": "America/Noronha", "Brazil/East": "America/Sao_Paulo", "Brazil/West": "America/Manaus",
    "Canada/Atlantic": "America/Halifax", "Canada/Central": "America/Winnipeg", "Canada/Eastern": "America/Toronto",
    "Canada/Mountain": "America/Edmonton", "Canada/Newfoundland": "America/St_Johns", "Canada/Pacific": "America/Vancouver",
    "Canada/Saskatchewan": "America/Regina", "Canada/Yukon": "America/Whitehorse", "Chile/Continental": "America/Santiago",
    "Chile/EasterIsland": "Pacific/Easter", "Etc/Greenwich": "Etc/GMT", "Etc/UCT": "Etc/UTC", "Etc/Universal": "Etc/UTC",
    "Etc/Zulu": "Etc/UTC", "Europe/Belfast": "Europe/London", "Europe/Kiev": "Europe/Kyiv",
    "Europe/Nicosia": "Asia/Nicosia", "Europe/Tiraspol": "Europe/Chisinau", "Europe/Uzhgorod": "Europe/Kyiv",
    "Europe/Zaporozhye": "Europe/Kyiv", "Mexico/BajaNorte": "America/Tijuana", "Mexico/BajaSur": "America/Mazatlan",
    "Mexico/General": "America/Mexico_City", "Pacific/Enderbury": "Pacific/Kanton", "Pacific/Johnston": "Pacific/Honolulu",
    "Pacific/Ponape": "Pacific/Guadalcanal", "Pacific/Samoa": "Pacific/Pago_Pago", "Pacific/Truk": "Pacific/Port_Moresby",
    "Pacific/Yap": "Pacific/Port_Moresby", "US/Alaska": "America/Anchorage", "US/Aleutian": "America/Adak",
    "US/Arizona": "America/Phoenix", "US/Central": "America/Chicago", "US/East-Indiana": "America/Indiana/Indianapolis",
    "US/Eastern": "America/New_York", "US/Hawaii": "Pacific/Honolulu", "US/Indiana-Starke": "America/Indiana/Knox",
    "US/Michigan": "America/Detroit", "US/Mountain": "America/Denver", "US/Pacific": "America/Los_Angeles",
    "US/Samoa": "Pacific/Pago_Pago"
  }';
  known text;
begin
  -- The setting takes a name in any case, and says how it is spelt. In these forms it can mean nothing but a zone's name.
  if given ~* '^(posix|right)/' or not muster.is_time_zone(initcap(given)) and not muster.is_time_zone(given) then
    return null;
  end if;
  perform set_config('timezone', given, true);
  known := current_setting('timezone');
  if renamed ? known then
    given := known;
    perform set_config('timezone', renamed ->> known, true);
    known := current_setting('timezone');
  end if;
  return case when muster.is_time_zone(known) then known end;
exception
  -- This server does not know it; of the two names of a zone it may know the old one.
  when invalid_parameter_value then return known;
end
$$;
comment on function muster.canonical_time_zone(text) is
  'The present name of a time zone that this server knows, in its own spelling; null for what is none.';
grant execute on function muster.canonical_time_zone(text) to authenticated, service_role, muster_definer;

-- A hundredth of a degree is 1.1 km from north to south, and 0.7 km from east to west in the Netherlands.
create or replace function muster.home_area(home geography) returns geography
language sql
immutable
strict
parallel safe
-- Names are resolved when the function is created, so it needs no search_path, and the planner can inline it.
return st_snaptogrid(home::geometry, 0.01)::geography;
comment on function muster.home_area(geography) is
  'About where somebody lives: the middle of an area of about a square kilometre.';
grant execute on function muster.home_area(geography) to anon, authenticated, service_role, muster_definer;

-- Lists the functions by which the modules above extend a lower module, which cannot name them, such as muster.codes_of_guarding.
-- Their order is part of a watermark's scope (muster.changes_since). In plpgsql, so that its plan is cached.
create or replace function muster.functions_of(purpose text) returns setof text
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select p.proname::text
    from pg_proc p
    -- As a range, which the index of names has: `~` comes after all letters.
    where p.pronamespace = 'muster'::regnamespace
      and p.proname between (purpose || '_of_')::name and (purpose || '_of_~')::name
    order by p.proname desc;
end
$$;
comment on function muster.functions_of(text) is
  'The functions muster.<purpose>_of_<module> by which modules extend what is below them: their names, without the schema.';
grant execute on function muster.functions_of(text) to anon, authenticated, service_role, muster_definer;

create or replace function muster.user_id() returns uuid
language sql
stable
parallel safe
return nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid;
comment on function muster.user_id() is 'The subject of the caller''s token, as auth.uid(), for functions that may not use schema auth.';

-- Inside a security definer function `current_user` is the function's owner. This is the role that the session has set.
create or replace function muster.acting_role() returns text
language sql
stable
parallel safe
return coalesce(nullif(current_setting('role'), 'none'), session_user);
comment on function muster.acting_role() is 'The role for which a session acts, also inside security definer functions.';

-- Asks for the roles that the rules do not bind, instead of those that they bind: a statement that changes its role while it runs
-- (set_config) reaches its triggers as the login. In plpgsql, so that its plan is cached: each write calls it, some several times.
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
comment on function muster.acts_for_caller() is
  'Whether the session acts for one whom the rules bind: everybody but service_role, jobs, and those who bypass row level security.';

create or replace function muster.set_edit_trail() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  if tg_op = 'INSERT' then
    new.created_by := coalesce(muster.user_id(), new.created_by);
  end if;
  new.updated_by := coalesce(muster.user_id(), new.updated_by);
  return new;
end
$$;
comment on function muster.set_edit_trail() is 'Who wrote the row last, and when.';

create or replace function muster.set_updated_at() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  return new;
end
$$;
comment on function muster.set_updated_at() is 'When the row was written last.';

-- A check that takes a lock and then reads needs a new snapshot for each statement, to see what others have committed. Under
-- REPEATABLE READ it would decide on stale rows (write skew).
create or replace function muster.require_read_committed() returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform muster.fail('isolation_unsupported');
  end if;
end
$$;
comment on function muster.require_read_committed() is 'Refuses a transaction whose snapshot is older than its locks.';
grant execute on function muster.require_read_committed() to muster_definer;

-- Turns every `delete` by a caller into a soft delete. Policies decide who may delete; a trigger that fires before may decide when.
create or replace function muster.tg_soft_delete() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if not muster.acts_for_caller() then
    return old;
  end if;
  execute format('update %I.%I set deleted_at = now() where id = $1', tg_table_schema, tg_table_name) using old.id;
  return null;
end
$$;
comment on function muster.tg_soft_delete() is
  'Sets deleted_at instead. Security definer: the caller cannot update a row that its own policy hides afterwards.';

-- SQLSTATEs that reject one item (rule, constraint, policy, value), as opposed to those that stop the whole work (lock, limit, shutdown).
create or replace function muster.is_refusal(state text) returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return left(state, 2) in ('MU', '22', '23') or state = '42501';
comment on function muster.is_refusal(text) is 'Whether a SQLSTATE refuses a row, and trying again would be refused again.';

grant execute on function muster.user_id(), muster.acting_role(), muster.acts_for_caller()
to anon, authenticated, service_role, muster_definer;
grant execute on function muster.is_refusal(text) to authenticated, muster_definer;

alter function muster.tg_soft_delete() owner to muster_definer;
