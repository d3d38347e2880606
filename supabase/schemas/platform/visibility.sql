-- Visibility: which subscribers see a change.
--
-- * Of a table with a declared audience, one question per change (muster.change_audiences). The declaration holds for as long as
--   the table has the read policies that its audience was written for (muster.has_audience).
-- * Of any other table a change is delivered to a subscriber if the row is visible under the subscriber's role and claims, in
--   a snapshot that sees the change (muster.visible_rows).

-- Which of some rows each of many subscribers sees, in one call: role and claims are set as a request's are, and one
-- statement, planned once, is run per subscriber. Not set-based: `(select auth.uid())` in a policy is computed once per
-- execution, and would make everybody the first subscriber.
--
-- `statement_name` stands for `statement`, a query with parameters of `parameter_types` that gives an array of positions
-- (integers from 1); `arguments` are the parameters as text. `claims` are JSON texts, one per line. The answer is a JSON
-- array with one text per subscriber: the positions that are visible, `1,3`, or `!` and the SQLSTATE of a policy that
-- failed, which costs nobody else anything. Null: the changes were not visible to any snapshot within `patience`.
--
-- The search path is not pinned: the policies run in the settings of the session, as those of a request do.
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
comment on function muster.visible_rows(text, text, text, text[], text, text, bigint[], interval) is
  'Which of some rows each of many subscribers sees. It acts as the subscribers'' role: whoever calls it can become that.';

-- Decoding runs ahead of visibility: the log has a commit before snapshots see it, and long before when a synchronous
-- standby hangs. `xids` are 32 bits wide, as the log has them.
create or replace function muster.await_xids(xids bigint[], patience interval) returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  epoch constant bigint := 4294967296;
  -- A commit that is not visible yet mostly is within microseconds.
  pause constant float8 := 0.0002;
  deadline constant timestamptz := clock_timestamp() + patience;
  upcoming bigint;
  wanted bigint;
begin
  foreach wanted in array xids loop
    loop
      upcoming := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
      -- Of the ids that end in these 32 bits, the one that is nearest to now.
      wanted := wanted % epoch + upcoming / epoch * epoch;
      wanted := wanted + case
        when wanted - upcoming > epoch / 2 then -epoch
        when upcoming - wanted > epoch / 2 then epoch
        else 0
      end;
      exit when pg_visible_in_snapshot(wanted::text::xid8, pg_current_snapshot());
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(pause);
    end loop;
  end loop;
  return true;
end
$$;
comment on function muster.await_xids(bigint[], interval) is
  'Waits until transactions are visible to new snapshots; false when the patience ended first.';

-- The expressions of a table's read policies, without their names and comments.
create or replace function muster.read_policies(relation oid) returns text
language sql
stable
-- Names in the policies are printed with their schemas.
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(E'\n', c.relrowsecurity, c.relforcerowsecurity, (
    select string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, (
      select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
      from unnest(p.polroles) as o (oid)
      left join pg_roles r on r.oid = o.oid
    ), pg_get_expr(p.polqual, p.polrelid)), E'\n' order by p.polname)
    from pg_policy p
    where p.polrelid = c.oid and p.polcmd in ('r', '*')
  )))
  from pg_class c
  where c.oid = relation
$$;
comment on function muster.read_policies(oid) is 'A digest of the policies that decide who reads a table.';

create table if not exists muster.audiences (
  relation text not null constraint audiences_pkey primary key,
  columns text[] not null,
  policies text not null
);
comment on table muster.audiences is
  'Tables that have an audience: by which of the published columns, and for which policies.';
alter table muster.audiences enable row level security;
alter table muster.audiences force row level security;
revoke all on muster.audiences from public, anon, authenticated, service_role;
drop policy if exists internal on muster.audiences;
create policy internal on muster.audiences to muster_definer using (true) with check (true);
comment on policy internal on muster.audiences is 'The security definer functions of visibility.sql.';

-- The columns that decide who sees a row are in the condition of the trigger that notes departures (muster.follow_table). All
-- but tenant_id and deleted_at have to be published: an image that lacks them says nothing about who saw it.
create or replace function muster.declare_audiences() returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.audiences;
  insert into muster.audiences (relation, columns, policies)
  select c.relname, array_agg(a.attname::text order by a.attnum), muster.read_policies(c.oid)
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_attribute a
    on a.attrelid = c.oid
    and (
      a.attname = 'id'
      or a.attname not in ('tenant_id', 'deleted_at')
      and exists (
        select from pg_depend d
        where d.classid = 'pg_trigger'::regclass and d.objid = t.oid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
      )
    )
  where t.tgname = 'note_departure_on_update'
    and c.relnamespace = 'public'::regnamespace
  group by c.oid;
end;
comment on function muster.declare_audiences() is
  'Says that the audiences of tables hold for the policies that they have now. Security definer: the declarations are nobody''s to write.';

-- Where a policy was changed or added since, or a column is published no more, each subscriber is asked for.
create or replace function muster.has_audience(relation oid, published name[]) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from muster.audiences a
    where has_audience.relation = to_regclass(format('public.%I', a.relation))
      and a.columns <@ published::text[]
      and a.policies = muster.read_policies(has_audience.relation)
  );
end;
comment on function muster.has_audience(oid, name[]) is
  'Whether the audience of a table says who reads it. Security definer: the declarations are nobody''s to read.';

-- By the number of each change, what muster.seen_of_<table> says of it. Stable, and so in the snapshot of the statement that asks.
create or replace function muster.seen_changes(changes jsonb) returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  followed text;
  part jsonb;
  seen jsonb := '{}';
begin
  for followed in
    select a.relation from muster.audiences a
    where a.relation in (select c.value ->> 'relation' from jsonb_array_elements(changes) c)
  loop
    execute format('select muster.%I($1)', 'seen_of_' || followed) into part using changes;
    seen := seen || coalesce(part, '{}');
  end loop;
  return seen;
end
$$;
comment on function muster.seen_changes(jsonb) is 'Which groups see which changes, of all tables that have an audience.';

-- For each of `changes`, `{relation, image, lacks}`: the groups that see the row as the image has it, or null for a row that is
-- gone. An image is what the log says of a row, as `to_jsonb` prints it; what the log does not say of it, its tenant and whether
-- it is deleted, is taken from the row as it is now. A value that the image lacks (`lacks`: columns of large values that an
-- update did not touch) is filled in, as JSON text, from a row that is in everything else still as the image has it.
--
-- `changed` are the users whose groups may have changed since `since_xid`, and `next` is the `since_xid` for the next time: the
-- oldest transaction that was running. Everything is of one snapshot, which sees `xids`. Null: there was none within `patience`.
create or replace function muster.change_audiences(
  changes jsonb, xids bigint[], patience interval, since_xid xid8
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  if not muster.await_xids(xids, patience) then
    return null;
  end if;
  return (
    select jsonb_build_object(
      'changes', (
        select jsonb_agg(s.seen -> n::text order by n) from generate_series(1, jsonb_array_length(changes)) as n
      ),
      'changed', (
        select jsonb_agg(distinct c.user_id) from muster.changed_callers c where c.changed_xid >= since_xid
      ),
      'next', pg_snapshot_xmin(pg_current_snapshot())::text
    )
    from (select muster.seen_changes(changes) as seen offset 0) s
  );
end
$$;
comment on function muster.change_audiences(jsonb, bigint[], interval, xid8) is
  'Which groups see which changes. Security definer: it reads the rows for the change feed, and tells of values only those that the log left out.';

grant select, insert, delete on muster.audiences to muster_definer;

grant execute on function
  muster.read_policies(oid),
  muster.await_xids(bigint[], interval),
  muster.seen_changes(jsonb)
to muster_definer;
grant execute on function
  muster.visible_rows(text, text, text, text[], text, text, bigint[], interval),
  muster.await_xids(bigint[], interval),
  muster.has_audience(oid, name[]),
  muster.change_audiences(jsonb, bigint[], interval, xid8)
to muster_api;

alter function muster.declare_audiences() owner to muster_definer;
alter function muster.has_audience(oid, name[]) owner to muster_definer;
alter function muster.change_audiences(jsonb, bigint[], interval, xid8) owner to muster_definer;
