-- Tables: what every table has, given by one call, and what holds for who sees and does what.
--
-- * Each table's file begins with the call, before its policies and grants:
--
--     select muster.follow_table('public.site_notes', soft_delete => true);
--
--   Row level security is then enabled and forced, nothing is granted, background work and the security definer functions have
--   their policy, `updated_at` (and who, where the table has `updated_by`) is kept, and `delete` by a caller sets `deleted_at`.
-- * A table that clients follow says what they get, and by which columns it is decided who sees a row:
--
--     select muster.follow_table('public.site_notes', published => array['id', 'company_id', 'text', 'created_at', 'updated_at'],
--       audience => array['tenant_id', 'company_id', 'deleted_at']);
--
--   It is then in the publication with these columns, each row has the transaction that wrote it last (`changed_xid`), and rows
--   that leave somebody's view are noted (catch-up.sql). Who sees a row, muster.audience_of_<table> says (audience.sql), which comes
--   before the call; the call makes muster.seen_of_<table>, by which the change feed asks it (visibility.sql).
-- * A table that lacks a column or that function is refused when the call is made, not when somebody writes a row.
-- * Migrations have the statements that the call made (`npm run db:rule`), never the call: a later version of it changes no history.
--
-- * `anon` gets nothing.
-- * `authenticated` is everybody with a token; the policies tell company, client, guard and admin apart. One policy per
--   table and command. Every id that a policy compares belongs to one tenant, so tenants never meet.
-- * A deleted user has a valid token for a while: the helpers of people/callers.sql know nothing of them, and `auth.uid()`
--   stands beside a `tenant_id`, which they no longer have.
-- * Terms without a helper come first in a policy, because a helper is called only when the terms before it do not decide. A
--   change of an open shift is checked for hundreds of guards at once, so the guards' term is the first.
-- * The most expensive terms come last. A subquery follows an `is not null`, because `null and exists (…)` runs it for every row.
--   It ends in `offset 0`, which prevents a hashed subplan: each row of a page is looked up by index, where building the hash
--   would read all shifts first.
-- * Column grants decide what can be written at all: columns that the database computes are granted to nobody. `email` and
--   `home_point` are not granted for reading either (see muster.me and muster.professional_home), nor what is between us and the payment provider.
-- * `service_role` (background work) and `muster_definer` (the security definer functions) see all rows through a policy,
--   and have the table privileges that are granted beside the rules of each table.

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
comment on function muster.follow_table(regclass, text, boolean, text[], text[]) is
  'Gives a table what every table has: forced row level security, edit trail, soft delete; where it is published: stamp, departures, publication.';
