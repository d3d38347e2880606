-- Visibility: which subscribers see a change.
--
-- * Of a table with a declared audience, one question per change (muster.change_audiences). The declaration holds for as long as
--   the table has the read policies that it was written for (muster.has_audience).
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

-- What a table's policies for reading say, whatever else its name and comment are.
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
  'Tables of which muster.audience knows the readers: by which of the published columns, and for which policies.';
alter table muster.audiences enable row level security;
alter table muster.audiences force row level security;
revoke all on muster.audiences from public, anon, authenticated, service_role;
drop policy if exists internal on muster.audiences;
create policy internal on muster.audiences to muster_definer using (true) with check (true);
comment on policy internal on muster.audiences is 'The security definer functions of visibility.sql.';

create or replace function muster.declare_audiences() returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.audiences;
  insert into muster.audiences (relation, columns, policies)
  select d.relation, d.columns, muster.read_policies(to_regclass(format('public.%I', d.relation)))
  from (values
    ('shifts', array['id', 'company_id', 'client_id', 'professional_id', 'status', 'start_datetime']),
    ('shift_briefings', array['id', 'company_id', 'client_id', 'professional_id']),
    ('gps_checkins', array['id', 'company_id', 'client_id', 'professional_id']),
    ('incidents', array['id', 'company_id', 'client_id', 'reported_by']),
    ('assignments', array['id', 'company_id', 'professional_id']),
    ('finqle_transactions', array['id', 'company_id', 'professional_id']),
    ('notifications', array['id', 'user_id'])
  ) as d (relation, columns);
end;
comment on function muster.declare_audiences() is
  'Says that muster.audience holds for the policies that the tables have now. Security definer: the declarations are nobody''s to write.';

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
  'Whether muster.audience says who reads a table. Security definer: the declarations are nobody''s to read.';

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
    with asked as materialized (
      select
        c.nth, c.value ->> 'relation' as relation, c.value -> 'image' as image,
        (c.value #>> '{image,id}')::uuid as id, c.value -> 'lacks' as lacks
      from jsonb_array_elements(changes) with ordinality c (value, nth)
    ), present as (
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end as whole
      from asked a join public.shifts r on r.id = a.id where a.relation = 'shifts'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.gps_checkins r on r.id = a.id where a.relation = 'gps_checkins'
      union all
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.shift_briefings r on r.id = a.id where a.relation = 'shift_briefings'
      union all
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.incidents r on r.id = a.id where a.relation = 'incidents'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.assignments r on r.id = a.id where a.relation = 'assignments'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.finqle_transactions r on r.id = a.id where a.relation = 'finqle_transactions'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.notifications r on r.id = a.id where a.relation = 'notifications'
    )
    select jsonb_build_object(
      'changes', jsonb_agg(
        case when p.nth is not null then jsonb_build_object(
          'audience', muster.audience(
            a.relation,
            a.image || jsonb_build_object('tenant_id', p.tenant_id, 'deleted_at', p.deleted_at),
            clock_timestamp()
          ),
          'filled', case when p.whole || a.image = p.whole then (
            select jsonb_object_agg(l.name, (p.whole -> l.name)::text)
            from jsonb_array_elements_text(a.lacks) as l (name)
          ) end
        ) end
        order by a.nth
      ),
      'changed', (
        select jsonb_agg(distinct c.user_id) from muster.changed_callers c where c.changed_xid >= since_xid
      ),
      'next', pg_snapshot_xmin(pg_current_snapshot())::text
    )
    from asked a
    left join present p using (nth)
  );
end
$$;
comment on function muster.change_audiences(jsonb, bigint[], interval, xid8) is
  'Which groups see which changes. Security definer: it reads the rows for the change feed, and tells of values only those that the log left out.';

grant select, insert, delete on muster.audiences to muster_definer;

grant execute on function muster.read_policies(oid), muster.await_xids(bigint[], interval) to muster_definer;
grant execute on function
  muster.visible_rows(text, text, text, text[], text, text, bigint[], interval),
  muster.await_xids(bigint[], interval),
  muster.has_audience(oid, name[]),
  muster.change_audiences(jsonb, bigint[], interval, xid8)
to muster_api;

alter function muster.declare_audiences() owner to muster_definer;
alter function muster.has_audience(oid, name[]) owner to muster_definer;
alter function muster.change_audiences(jsonb, bigint[], interval, xid8) owner to muster_definer;
