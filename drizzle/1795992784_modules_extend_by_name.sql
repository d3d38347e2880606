drop policy users_read on public.users;
--> statement-breakpoint
drop policy organizations_read on public.organizations;
--> statement-breakpoint
drop function muster.shifts_begun_for_caller(timestamp with time zone);
--> statement-breakpoint
-- What a module below cannot name: a function of each module above that has something to add, such as muster.codes_of_guarding.
-- The scope of watermarks rests on their order (muster.changes_since). In plpgsql, so that its plan is kept.
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
--> statement-breakpoint
create or replace function muster.audience(relation text, viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  groups text[];
begin
  if viewed ->> 'deleted_at' is not null then
    return '{}';
  end if;
  execute format('select array_remove(muster.%I($1, $2), null)', 'audience_of_' || relation) into groups using viewed, at;
  return groups;
end
$$;
--> statement-breakpoint
create or replace function muster.audiences_of(callers uuid[]) returns table (caller uuid, audience text[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  groups text;
  part jsonb;
  found_ jsonb := '{}';
begin
  for groups in select muster.functions_of('groups') loop
    execute format('select jsonb_object_agg(g.caller, array_remove(g.groups, null)) from muster.%I($1) g', groups)
    into part using callers;
    found_ := found_ || coalesce(
      (select jsonb_object_agg(p.key, coalesce(found_ -> p.key, '[]') || p.value) from jsonb_each(part) p), '{}'
    );
  end loop;
  return query
    select f.key::uuid, array(select jsonb_array_elements_text(f.value)) from jsonb_each(found_) f;
end
$$;
--> statement-breakpoint
-- The rows of a published table that the caller sees and that changed since the watermark, in the form of the change
-- stream, and the ids of those that left the caller's view. Runs as the caller: policies and column grants decide.
--
-- A watermark is the oldest transaction that was running: everything older is over and was in the answer. What is newer
-- may come again, and nothing is missed, however long transactions run and overlap. Over several pages the watermark
-- stays that of the first, and transactions that the first page did not know are left to the next round, so that the
-- pages end. `cursor_` is what the last answer gave as `next`, or null, or {"now": true} for a watermark and no rows.
--
-- With `reset` the answer is the beginning of everything that the caller sees, and what a client has is to be thrown
-- away: without a cursor, with one of another history, of another scope (the caller's role or organization changed), or
-- older than departed rows are kept.
create or replace function muster.changes_since(wanted text, cursor_ jsonb, max_items integer) returns jsonb
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  retention constant interval := interval '30 days';
  snapshot constant pg_snapshot := pg_current_snapshot();
  history constant text := muster.history_id();
  scope constant text := md5(array_to_string(muster.caller_audience(), ' '));
  -- A cursor that means nothing here is no cursor.
  known constant jsonb := case
    when cursor_ ->> 'history' = history
      and cursor_ ->> 'scope' = scope
      and (cursor_ ->> 'since')::timestamptz > now() - retention
    then cursor_
  end;
  is_reset constant boolean := known is null or coalesce((known ->> 'reset')::boolean, false);
  is_first constant boolean := known -> 'position' is null;
  after_xid constant xid8 := coalesce(known ->> 'after', '0');
  -- Those of the first page, on every page.
  next_xid constant text := case when is_first then pg_snapshot_xmin(snapshot)::text else known ->> 'next' end;
  before_xid constant xid8 := case when is_first then pg_snapshot_xmax(snapshot)::text else known ->> 'before' end;
  since constant text := case when is_first then to_jsonb(now()) #>> '{}' else known ->> 'since' end;
  watermark constant jsonb := jsonb_build_object('history', history, 'scope', scope, 'since', since);
  lapsed constant regprocedure := to_regprocedure(format('muster.%I(timestamptz)', 'lapsed_of_' || wanted));
  columns_ text;
  answer jsonb;
  lapsed_ids jsonb;
  page_is_full boolean;
  last_position jsonb;
begin
  if coalesce((cursor_ ->> 'now')::boolean, false) then
    return jsonb_build_object(
      'items', '[]'::jsonb, 'removed', '[]'::jsonb, 'reset', false, 'complete', true,
      'next', watermark || jsonb_build_object('after', next_xid)
    );
  end if;

  select string_agg(format('%L, r.%I', a.attname, a.attname), ', ' order by a.attnum) into columns_
  from pg_publication_tables p
  join pg_attribute a
    on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass
    and a.attname = any (p.attnames)
    and a.attnum > 0
    and not a.attisdropped
  where p.pubname = 'supabase_realtime'
    and p.schemaname = 'public'
    and p.tablename = wanted
    and has_column_privilege(a.attrelid, a.attnum, 'select');
  if columns_ is null then
    perform muster.fail('not_found', 'table');
  end if;

  execute format(
    $query$
    with present as (
      select r.changed_xid, r.id, jsonb_build_object(%1$s) as item
      from public.%2$I r
      where r.changed_xid >= $1
        and r.changed_xid < $2
        and ($3 is null or (r.changed_xid, r.id) > ($3, $4))
      order by r.changed_xid, r.id
      limit $5 + 1
    ), departed as (
      select d.changed_xid, d.row_id as id, null::jsonb as item
      from muster.departures_for_caller(%2$L, $1, $2, $3, $4, $5 + 1) d
      where not $6
    ), page as (
      select row_number() over (order by c.changed_xid, c.id, c.item is null) as nth, c.*
      from (select * from present union all select * from departed) c
      order by c.changed_xid, c.id, c.item is null
      limit $5 + 1
    ), gone as (
      -- Seen again by now: then the row itself is, or will be, in an answer.
      select distinct p.id from page p
      where p.item is null and p.nth <= $5 and not exists (select from public.%2$I r where r.id = p.id)
    )
    select
      jsonb_build_object(
        'items', coalesce((
          select jsonb_agg(p.item order by p.nth) from page p where p.item is not null and p.nth <= $5
        ), '[]'),
        'removed', coalesce((select jsonb_agg(g.id order by g.id) from gone g), '[]')
      ),
      (select count(*) > $5 from page),
      (select jsonb_build_array(p.changed_xid, p.id) from page p where p.nth = $5)
    $query$,
    columns_, wanted
  )
  into answer, page_is_full, last_position
  using after_xid, before_xid, (known #>> '{position,0}')::xid8, (known #>> '{position,1}')::uuid, max_items, is_reset;

  if lapsed is not null and is_first and not is_reset then
    execute format('select jsonb_agg(l.id) from %s($1) as l (id) where not $2 ? l.id::text', lapsed::regproc)
    into lapsed_ids using (known ->> 'since')::timestamptz, answer -> 'removed';
    answer := jsonb_set(answer, '{removed}', (answer -> 'removed') || coalesce(lapsed_ids, '[]'));
  end if;

  return answer || jsonb_build_object(
    'reset', is_reset and is_first,
    'complete', not page_is_full,
    'next', watermark || case
      when page_is_full then jsonb_build_object(
        'after', after_xid, 'next', next_xid, 'before', before_xid, 'position', last_position, 'reset', is_reset
      )
      else jsonb_build_object('after', next_xid)
    end
  );
end
$$;
--> statement-breakpoint
create or replace function muster.codes_of_platform() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'forbidden', 'MU010',
  'not_found', 'MU011',
  'idempotency_key_reused', 'MU019',
  'isolation_unsupported', 'MU020',
  'too_many_idempotency_keys', 'MU031',
  'answer_too_large', 'MU032'
);
--> statement-breakpoint
-- `subject` says what it is about in words safe for the caller (it travels as the hint).
create or replace function muster.fail(code text, subject text default null) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  codes text;
  state text;
begin
  for codes in select muster.functions_of('codes') loop
    execute format('select muster.%I() ->> $1', codes) into state using code;
    exit when state is not null;
  end loop;
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$$;
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
     for each row when ((%s) is distinct from (%s)) execute function muster.tg_note_departure()',
    relation,
    (select string_agg(format('old.%I', c.name), ', ' order by c.nth) from unnest(audience) with ordinality as c (name, nth)),
    (select string_agg(format('new.%I', c.name), ', ' order by c.nth) from unnest(audience) with ordinality as c (name, nth))
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
-- By which columns it is decided who sees a row, is in the condition of the trigger that notes departures (muster.follow_table). All
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.codes_of_people() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'invitation_invalid', 'MU017',
  'already_registered', 'MU018'
);
--> statement-breakpoint
create or replace function muster.joining_as(role text) returns regprocedure
language sql
stable
set search_path = pg_catalog, pg_temp
return to_regprocedure('muster.' || quote_ident('join_as_' || role) || '(uuid,uuid,float8,float8)');
--> statement-breakpoint
create or replace function muster.create_invitation(
  role text, organization uuid default null, email text default null, valid_for interval default interval '14 days'
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- 122 random bits.
  code text := replace(gen_random_uuid()::text, '-', '');
  invited public.invitations;
begin
  -- Colleagues come to the company that invites them; only an admin has to say to which.
  if create_invitation.role = 'company' then
    organization := coalesce(organization, muster.company_id());
  end if;
  -- A null role or organization must not make the refusal null, which would be none.
  if muster.admin_tenant_id() is null and not coalesce(
    muster.company_id() is not null
    and (
      (create_invitation.role = 'company' and organization = muster.company_id())
      or (muster.joining_as(create_invitation.role) is not null and organization is null)
    ),
    false
  ) then
    perform muster.fail('forbidden', 'role');
  end if;
  if organization is not null and not exists (
    select from public.organizations o
    where o.id = organization and o.tenant_id = muster.tenant_id() and o.deleted_at is null
  ) then
    perform muster.fail('not_found', 'organization_id');
  end if;

  insert into public.invitations
    (tenant_id, organization_id, role, email, code_hash, expires_at, created_by, inviting_organization_id)
  values (
    muster.tenant_id(), organization, create_invitation.role, create_invitation.email,
    encode(sha256(convert_to(code, 'UTF8')), 'hex'), now() + valid_for, muster.user_id(), muster.company_id()
  )
  returning * into invited;
  return jsonb_build_object(
    'id', invited.id, 'organization_id', invited.organization_id, 'role', invited.role, 'email', invited.email,
    'expires_at', invited.expires_at, 'accepted_at', invited.accepted_at, 'accepted_by', invited.accepted_by,
    'created_by', invited.created_by, 'created_at', invited.created_at, 'code', code
  );
end
$$;
--> statement-breakpoint
create or replace function muster.accept_invitation(
  code text, name text, email text, latitude float8 default null, longitude float8 default null
) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  invitation public.invitations;
  caller uuid := muster.user_id();
  joining regprocedure;
  -- An issuer that knows no address may send an empty one (Supabase Auth does, for who signs in by phone).
  token_email text := nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '');
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  if exists (select from public.users u where u.id = caller) then
    perform muster.fail('already_registered');
  end if;
  select * into invitation
  from public.invitations i
  where i.code_hash = encode(sha256(convert_to(accept_invitation.code, 'UTF8')), 'hex')
  for no key update;
  if not found
    or invitation.accepted_at is not null
    or invitation.expires_at <= now()
    or (invitation.email is not null and lower(invitation.email) is distinct from lower(token_email))
    or exists (
      select from public.organizations o where o.id = invitation.organization_id and o.deleted_at is not null
    ) then
    perform muster.fail('invitation_invalid', 'code');
  end if;

  insert into public.users (id, tenant_id, organization_id, role, name, email)
  values (
    caller, invitation.tenant_id, invitation.organization_id, invitation.role, accept_invitation.name,
    coalesce(token_email, accept_invitation.email)
  );
  joining := muster.joining_as(invitation.role);
  if joining is not null then
    execute format('select %s($1, $2, $3, $4)', joining::regproc) using invitation.tenant_id, caller, latitude, longitude;
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_notifications(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'user:' || (viewed ->> 'user_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_notifications(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_notifications((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.notifications r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'notifications'
  );
end
$function$;
--> statement-breakpoint
create or replace function muster.tg_notifications__check_type() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  types text;
  is_known boolean;
begin
  for types in select muster.functions_of('notification_types') loop
    execute format('select $1 = any (muster.%I())', types) into is_known using new.type;
    if is_known then
      return new;
    end if;
  end loop;
  -- As the check constraint that it stands for: no constraint can ask the modules.
  raise exception using
    errcode = 'check_violation', schema = 'public', table = 'notifications', column = 'type',
    constraint = 'notifications_type_known', message = 'no module has notifications of this type';
end
$$;
--> statement-breakpoint
create or replace trigger check_type before insert or update of type on public.notifications
  for each row execute function muster.tg_notifications__check_type();
--> statement-breakpoint
create policy organizations_read_of_people on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.company_id())
      or id = (select muster.client_id())
      or id = any ((select muster.company_client_ids())::uuid[])
      or id = any ((select muster.client_company_ids())::uuid[])
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create or replace function muster.me() returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
  answer jsonb;
  more text;
  added jsonb;
begin
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end
  ) into answer
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  where u.id = caller and u.deleted_at is null;
  if answer is not null then
    for more in select muster.functions_of('me') loop
      execute format('select muster.%I($1)', more) into added using caller;
      answer := answer || added;
    end loop;
  end if;
  return answer;
end
$$;
--> statement-breakpoint
create or replace function muster.groups_of_people(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  -- A deleted user has a token, and no tenant.
  select u.id, array[
    'user:' || u.id,
    case u.role when 'admin' then 'admins:' || u.tenant_id end,
    case u.role when 'company' then 'company:' || u.organization_id end,
    case u.role when 'client' then 'client:' || u.organization_id end
  ]
  from public.users u
  where u.id = any (callers) and u.deleted_at is null;
end;
--> statement-breakpoint
create policy users_read_of_people on public.users for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select auth.uid())
      or organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create or replace function muster.audience_of_shift_briefings(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'client:' || (viewed ->> 'client_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_shift_briefings(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when r.deleted_at is null then array_remove(
        muster.audience_of_shift_briefings((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.shift_briefings r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'shift_briefings'
  );
end
$function$;
--> statement-breakpoint
create or replace function muster.audience_of_gps_checkins(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'client:' || (viewed ->> 'client_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_gps_checkins(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_gps_checkins((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.gps_checkins r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'gps_checkins'
  );
end
$function$;
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
  'too_many_pings', 'MU030'
);
--> statement-breakpoint
create or replace function muster.audience_of_incidents(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'client:' || (viewed ->> 'client_id'),
  'user:' || (viewed ->> 'reported_by')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_incidents(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when r.deleted_at is null then array_remove(
        muster.audience_of_incidents((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.incidents r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'incidents'
  );
end
$function$;
--> statement-breakpoint
create or replace function muster.audience_of_finqle_transactions(viewed jsonb, at timestamptz) returns text[]
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
CREATE OR REPLACE FUNCTION muster.seen_of_finqle_transactions(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_finqle_transactions((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.finqle_transactions r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'finqle_transactions'
  );
end
$function$;
--> statement-breakpoint
create or replace function muster.join_as_zzp(tenant uuid, caller uuid, latitude float8, longitude float8) returns void
language sql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  insert into public.security_professionals (tenant_id, user_id, home_point)
  values (
    tenant, caller,
    case when latitude is not null and longitude is not null then st_point(longitude, latitude)::geography end
  )
$$;
--> statement-breakpoint
create or replace function muster.me_of_guarding(caller uuid) returns jsonb
language sql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object('professional', (
    select jsonb_build_object(
      'id', p.id, 'status', p.status,
      'latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry)
    )
    from public.security_professionals p
    where p.user_id = caller and p.deleted_at is null
  ))
$$;
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array['shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed'];
--> statement-breakpoint
create or replace function muster.groups_of_guarding(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select u.id, array['guards:' || u.tenant_id, 'professional:' || p.id]
  from public.users u
  left join public.security_professionals p on p.user_id = u.id and p.deleted_at is null
  where u.id = any (callers) and u.role = 'zzp' and u.deleted_at is null;
end;
--> statement-breakpoint
create policy organizations_read_of_guarding on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (select muster.guard_tenant_id()) is not null
    and tenant_id = (select muster.guard_tenant_id())
    and (
      exists (
        select from public.shifts s
        where s.company_id = organizations.id and s.start_datetime > now()
        order by s.start_datetime
        offset 0
      )
      or exists (
        select from public.shifts s
        where s.client_id = organizations.id and s.start_datetime > now()
        order by s.start_datetime
        offset 0
      )
      or exists (
        select from public.shifts s
        where s.professional_id = (select muster.professional_id())
          and organizations.id in (s.company_id, s.client_id)
        offset 0
      )
    )
  );
--> statement-breakpoint
create policy users_read_of_guarding on public.users for select to authenticated
  using (
    deleted_at is null
    and exists (select from public.security_professionals p where p.user_id = users.id offset 0)
  );
--> statement-breakpoint
create or replace function muster.audience_of_shifts(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  case when viewed ->> 'status' <> 'draft' then 'client:' || (viewed ->> 'client_id') end,
  'professional:' || (viewed ->> 'professional_id'),
  case when viewed ->> 'status' = 'published' and (at is null or (viewed ->> 'start_datetime')::timestamptz > at) then
    'guards:' || (viewed ->> 'tenant_id')
  end
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_shifts(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when r.deleted_at is null then array_remove(
        muster.audience_of_shifts((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.shifts r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'shifts'
  );
end
$function$;
--> statement-breakpoint
create or replace function muster.lapsed_of_shifts(since timestamptz) returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select s.id
  from public.shifts s
  where s.tenant_id = muster.guard_tenant_id()
    and s.status = 'published'
    and s.deleted_at is null
    and s.start_datetime > since
    and s.start_datetime <= now();
end;
--> statement-breakpoint
alter function muster.lapsed_of_shifts(timestamp with time zone) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.groups_of_guarding(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.functions_of(text) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_gps_checkins(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.codes_of_platform() from public;
--> statement-breakpoint
revoke execute on function muster.seen_changes(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.codes_of_people() from public;
--> statement-breakpoint
revoke execute on function muster.joining_as(text) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_notifications(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_notifications(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_notifications__check_type() from public;
--> statement-breakpoint
revoke execute on function muster.groups_of_people(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_shift_briefings(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_shift_briefings(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_gps_checkins(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.notification_types_of_guarding() from public;
--> statement-breakpoint
revoke execute on function muster.codes_of_guarding() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_incidents(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_incidents(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_finqle_transactions(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_finqle_transactions(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.join_as_zzp(uuid,uuid,double precision,double precision) from public;
--> statement-breakpoint
revoke execute on function muster.me_of_guarding(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_shifts(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_shifts(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.lapsed_of_shifts(timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.audience_of_finqle_transactions(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_gps_checkins(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_incidents(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_notifications(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_shift_briefings(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_shifts(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.codes_of_guarding() to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.codes_of_people() to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.codes_of_platform() to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.functions_of(text) to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.groups_of_guarding(uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.groups_of_people(uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.join_as_zzp(uuid,uuid,double precision,double precision) to muster_definer;
--> statement-breakpoint
grant execute on function muster.joining_as(text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.lapsed_of_shifts(timestamp with time zone) to authenticated;
--> statement-breakpoint
grant execute on function muster.me_of_guarding(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notification_types_of_guarding() to muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.seen_changes(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_finqle_transactions(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_gps_checkins(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_incidents(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_notifications(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_shift_briefings(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_shifts(jsonb) to muster_definer;
--> statement-breakpoint
comment on function muster.functions_of(text) is
  'The functions muster.<purpose>_of_<module> by which modules extend what is below them: their names, without the schema.';
--> statement-breakpoint
comment on function muster.audience(text, jsonb, timestamptz) is
  'The groups of callers that see a row of a published table, as its muster.audience_of_<table> says.';
--> statement-breakpoint
comment on function muster.codes_of_platform() is 'The codes that rules of the platform raise, with their SQLSTATEs.';
--> statement-breakpoint
comment on table muster.audiences is
  'Tables that have an audience: by which of the published columns, and for which policies.';
--> statement-breakpoint
comment on function muster.declare_audiences() is
  'Says that the audiences of tables hold for the policies that they have now. Security definer: the declarations are nobody''s to write.';
--> statement-breakpoint
comment on function muster.has_audience(oid, name[]) is
  'Whether the audience of a table says who reads it. Security definer: the declarations are nobody''s to read.';
--> statement-breakpoint
comment on function muster.seen_changes(jsonb) is 'Which groups see which changes, of all tables that have an audience.';
--> statement-breakpoint
comment on function muster.codes_of_people() is 'The codes that rules of people raise, with their SQLSTATEs.';
--> statement-breakpoint
comment on function muster.joining_as(text) is 'What makes a user of a module''s role what they are; null for the roles of people.';
--> statement-breakpoint
comment on function muster.audience_of_notifications(jsonb, timestamptz) is 'Who sees a notification: notifications_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_notifications(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.tg_notifications__check_type() is 'A type that no module has is refused.';
--> statement-breakpoint
comment on policy organizations_read_of_people on public.organizations is
  'Companies and clients see themselves and each other; admins their tenant''s.';
--> statement-breakpoint
comment on function muster.me() is
  'The caller, with e-mail, and what modules know of them. Security definer: columns that are granted to nobody are in it.';
--> statement-breakpoint
comment on function muster.groups_of_people(uuid[]) is 'To which groups callers belong whom people tells apart.';
--> statement-breakpoint
comment on policy users_read_of_people on public.users is
  'Oneself, colleagues; admins all of the tenant.';
--> statement-breakpoint
comment on function muster.audience_of_shift_briefings(jsonb, timestamptz) is 'Who sees a briefing: shift_briefings_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_shift_briefings(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.audience_of_gps_checkins(jsonb, timestamptz) is 'Who sees a check-in: gps_checkins_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_gps_checkins(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.codes_of_guarding() is 'The codes that rules of guarding raise, with their SQLSTATEs.';
--> statement-breakpoint
comment on function muster.audience_of_incidents(jsonb, timestamptz) is 'Who sees an incident: incidents_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_incidents(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.audience_of_finqle_transactions(jsonb, timestamptz) is 'Who sees a payment: finqle_transactions_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_finqle_transactions(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.join_as_zzp(uuid, uuid, float8, float8) is 'Makes a new user a professional. For muster.accept_invitation.';
--> statement-breakpoint
comment on function muster.me_of_guarding(uuid) is 'A guard''s professional, with the home point. For muster.me.';
--> statement-breakpoint
comment on function muster.notification_types_of_guarding() is 'What guarding tells users of.';
--> statement-breakpoint
comment on function muster.groups_of_guarding(uuid[]) is 'To which groups guards belong.';
--> statement-breakpoint
comment on policy organizations_read_of_guarding on public.organizations is 'Guards those of the shifts that they see.';
--> statement-breakpoint
comment on policy users_read_of_guarding on public.users is 'The professionals that one sees.';
--> statement-breakpoint
comment on function muster.audience_of_shifts(jsonb, timestamptz) is 'Who sees a shift: shifts_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_shifts(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.lapsed_of_shifts(timestamptz) is
  'Open shifts that left a guard''s view because they began, without a change. Security definer: ids alone.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992784_modules_extend_by_name';
