drop policy users_read_of_guarding on public.users;
--> statement-breakpoint
drop policy organizations_read_of_guarding on public.organizations;
--> statement-breakpoint
drop policy users_read_of_people on public.users;
--> statement-breakpoint
drop policy organizations_read_of_people on public.organizations;
--> statement-breakpoint
drop trigger check_type on public.notifications;
--> statement-breakpoint
drop function muster.lapsed_of_shifts(timestamp with time zone);
--> statement-breakpoint
drop function muster.seen_of_shifts(jsonb);
--> statement-breakpoint
drop function muster.audience_of_shifts(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.groups_of_guarding(uuid[]);
--> statement-breakpoint
drop function muster.notification_types_of_guarding();
--> statement-breakpoint
drop function muster.me_of_guarding(uuid);
--> statement-breakpoint
drop function muster.join_as_zzp(uuid,uuid,double precision,double precision);
--> statement-breakpoint
drop function muster.seen_of_finqle_transactions(jsonb);
--> statement-breakpoint
drop function muster.audience_of_finqle_transactions(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.seen_of_incidents(jsonb);
--> statement-breakpoint
drop function muster.audience_of_incidents(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.codes_of_guarding();
--> statement-breakpoint
drop function muster.seen_of_gps_checkins(jsonb);
--> statement-breakpoint
drop function muster.audience_of_gps_checkins(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.seen_of_shift_briefings(jsonb);
--> statement-breakpoint
drop function muster.audience_of_shift_briefings(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.groups_of_people(uuid[]);
--> statement-breakpoint
drop function muster.tg_notifications__check_type();
--> statement-breakpoint
drop function muster.seen_of_notifications(jsonb);
--> statement-breakpoint
drop function muster.audience_of_notifications(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.joining_as(text);
--> statement-breakpoint
drop function muster.codes_of_people();
--> statement-breakpoint
drop function muster.seen_changes(jsonb);
--> statement-breakpoint
drop function muster.codes_of_platform();
--> statement-breakpoint
drop function muster.functions_of(text);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.fail(code text, subject text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  state text := case code
    when 'shift_overlap' then 'MU001'
    when 'certificate_missing' then 'MU002'
    when 'certificate_expired' then 'MU003'
    when 'professional_inactive' then 'MU004'
    when 'shift_not_open' then 'MU005'
    when 'invalid_transition' then 'MU006'
    when 'outside_check_in_window' then 'MU007'
    when 'recorded_in_future' then 'MU008'
    when 'shift_not_assigned' then 'MU009'
    when 'forbidden' then 'MU010'
    when 'not_found' then 'MU011'
    when 'certificate_in_use' then 'MU012'
    when 'professional_in_use' then 'MU013'
    when 'location_in_use' then 'MU014'
    when 'payment_missing' then 'MU015'
    when 'id_conflict' then 'MU016'
    when 'invitation_invalid' then 'MU017'
    when 'already_registered' then 'MU018'
    when 'idempotency_key_reused' then 'MU019'
    when 'isolation_unsupported' then 'MU020'
    when 'shift_over' then 'MU021'
    when 'daily_limit_reached' then 'MU025'
    when 'too_many_pings' then 'MU030'
    when 'too_many_idempotency_keys' then 'MU031'
    when 'answer_too_large' then 'MU032'
  end;
begin
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.create_invitation(role text, organization uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, valid_for interval DEFAULT '14 days'::interval)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
      or (create_invitation.role = 'zzp' and organization is null)
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.accept_invitation(code text, name text, email text, latitude double precision DEFAULT NULL::double precision, longitude double precision DEFAULT NULL::double precision)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  invitation public.invitations;
  caller uuid := muster.user_id();
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
  if invitation.role = 'zzp' then
    insert into public.security_professionals (tenant_id, user_id, home_point)
    values (
      invitation.tenant_id, caller,
      case when latitude is not null and longitude is not null then st_point(longitude, latitude)::geography end
    );
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.me()
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end,
    'professional', case when p.id is not null then jsonb_build_object(
      'id', p.id, 'status', p.status,
      'latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry)
    ) end
  )
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  left join public.security_professionals p on p.user_id = u.id and p.deleted_at is null
  where u.id = muster.user_id() and u.deleted_at is null
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience(relation text, viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN ((viewed ->> 'deleted_at'::text) IS NULL) THEN array_remove(ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('user:'::text || COALESCE((viewed ->> 'user_id'::text), (viewed ->> 'reported_by'::text))), CASE WHEN ((relation <> 'shifts'::text) OR ((viewed ->> 'status'::text) <> 'draft'::text)) THEN ('client:'::text || (viewed ->> 'client_id'::text)) ELSE NULL::text END, ('professional:'::text || (viewed ->> 'professional_id'::text)), CASE WHEN ((relation = 'shifts'::text) AND ((viewed ->> 'status'::text) = 'published'::text) AND ((at IS NULL) OR (((viewed ->> 'start_datetime'::text))::timestamp with time zone > at))) THEN ('guards:'::text || (viewed ->> 'tenant_id'::text)) ELSE NULL::text END], NULL::text) ELSE '{}'::text[] END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audiences_of(callers uuid[])
 RETURNS TABLE(caller uuid, audience text[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT u.id,
     array_remove(ARRAY[('user:'::text || u.id),
         CASE u.role
             WHEN 'admin'::text THEN ('admins:'::text || u.tenant_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'company'::text THEN ('company:'::text || u.organization_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'client'::text THEN ('client:'::text || u.organization_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'zzp'::text THEN ('guards:'::text || u.tenant_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'zzp'::text THEN ('professional:'::text || p.id)
             ELSE NULL::text
         END], NULL::text) AS array_remove
    FROM (users u
      LEFT JOIN security_professionals p ON (((p.user_id = u.id) AND (p.deleted_at IS NULL))))
   WHERE ((u.id = ANY (audiences_of.callers)) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.shifts_begun_for_caller(since timestamp with time zone)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT s.id
    FROM shifts s
   WHERE ((s.tenant_id = muster.guard_tenant_id()) AND (s.status = 'published'::text) AND (s.deleted_at IS NULL) AND (s.start_datetime > shifts_begun_for_caller.since) AND (s.start_datetime <= now()));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.changes_since(wanted text, cursor_ jsonb, max_items integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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
  columns_ text;
  answer jsonb;
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

  if wanted = 'shifts' and is_first and not is_reset then
    answer := jsonb_set(answer, '{removed}', (answer -> 'removed') || coalesce((
      select jsonb_agg(b.id) from muster.shifts_begun_for_caller((known ->> 'since')::timestamptz) as b (id)
      where not (answer -> 'removed') ? b.id::text
    ), '[]'));
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.declare_audiences()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 DELETE FROM muster.audiences;
 INSERT INTO muster.audiences (relation, columns, policies)  SELECT d.relation,
             d.columns,
             muster.read_policies((to_regclass(format('public.%I'::text, d.relation)))::oid) AS read_policies
            FROM ( VALUES ('shifts'::text,ARRAY['id'::text, 'company_id'::text, 'client_id'::text, 'professional_id'::text, 'status'::text, 'start_datetime'::text]), ('shift_briefings'::text,ARRAY['id'::text, 'company_id'::text, 'client_id'::text, 'professional_id'::text]), ('gps_checkins'::text,ARRAY['id'::text, 'company_id'::text, 'client_id'::text, 'professional_id'::text]), ('incidents'::text,ARRAY['id'::text, 'company_id'::text, 'client_id'::text, 'reported_by'::text]), ('finqle_transactions'::text,ARRAY['id'::text, 'company_id'::text, 'professional_id'::text]), ('notifications'::text,ARRAY['id'::text, 'user_id'::text])) d(relation, columns);
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.change_audiences(changes jsonb, xids bigint[], patience interval, since_xid xid8)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.follow_table(relation regclass, trail text DEFAULT NULL::text, soft_delete boolean DEFAULT false, published text[] DEFAULT NULL::text[], audience text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  present constant text[] := array(
    select a.attname::text from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
  );
  is_edited constant boolean := 'updated_by' = any (present);
  missing constant text[] := array(
    select c.name
    from unnest(
      case when soft_delete then array['id', 'deleted_at'] end
      || case when published is not null then array['id', 'changed_xid'] end
      || case when trail is distinct from 'none' then array['updated_at'] end
      || published || audience
    ) as c (name)
    except select unnest(present)
  );
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
$function$;
--> statement-breakpoint
create policy organizations_read on public.organizations for select to authenticated
  using (((deleted_at IS NULL) AND ((id = ( SELECT muster.company_id() AS company_id)) OR (id = ( SELECT muster.client_id() AS client_id)) OR (id = ANY (( SELECT muster.company_client_ids() AS company_client_ids)::uuid[])) OR (id = ANY (( SELECT muster.client_company_ids() AS client_company_ids)::uuid[])) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id)) OR ((( SELECT muster.guard_tenant_id() AS guard_tenant_id) IS NOT NULL) AND (tenant_id = ( SELECT muster.guard_tenant_id() AS guard_tenant_id)) AND ((EXISTS ( SELECT
   FROM shifts s
  WHERE ((s.company_id = organizations.id) AND (s.start_datetime > now()))
  ORDER BY s.start_datetime
 OFFSET 0)) OR (EXISTS ( SELECT
   FROM shifts s
  WHERE ((s.client_id = organizations.id) AND (s.start_datetime > now()))
  ORDER BY s.start_datetime
 OFFSET 0)) OR (EXISTS ( SELECT
   FROM shifts s
  WHERE ((s.professional_id = ( SELECT muster.professional_id() AS professional_id)) AND ((organizations.id = s.company_id) OR (organizations.id = s.client_id)))
 OFFSET 0)))))));
--> statement-breakpoint
create policy users_read on public.users for select to authenticated
  using (((deleted_at IS NULL) AND ((id = ( SELECT auth.uid() AS uid)) OR (organization_id = ( SELECT muster.company_id() AS company_id)) OR (organization_id = ( SELECT muster.client_id() AS client_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id)) OR (EXISTS ( SELECT
   FROM security_professionals p
  WHERE (p.user_id = users.id)
 OFFSET 0)))));
--> statement-breakpoint
alter function muster.shifts_begun_for_caller(timestamp with time zone) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.shifts_begun_for_caller(timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.shifts_begun_for_caller(timestamp with time zone) to authenticated;
--> statement-breakpoint
comment on function muster.me() is 'The caller, with e-mail and home point. Security definer: those columns are granted to nobody.';
--> statement-breakpoint
comment on function muster.audience(text,jsonb,timestamp with time zone) is 'The groups of callers that see a row of a published table.';
--> statement-breakpoint
comment on function muster.shifts_begun_for_caller(timestamp with time zone) is 'Open shifts that left a guard''s view because they began, without a change. Security definer: ids alone.';
--> statement-breakpoint
comment on policy organizations_read on public.organizations is 'Companies and clients see themselves and each other; guards those of the shifts that they see; admins their tenant''s.';
--> statement-breakpoint
comment on policy users_read on public.users is 'Oneself, colleagues, the professionals that one sees; admins all of the tenant.';
--> statement-breakpoint
comment on table muster.audiences is 'Tables of which muster.audience knows the readers: by which of the published columns, and for which policies.';
--> statement-breakpoint
comment on function muster.declare_audiences() is 'Says that muster.audience holds for the policies that the tables have now. Security definer: the declarations are nobody''s to write.';
--> statement-breakpoint
comment on function muster.has_audience(oid,name[]) is 'Whether muster.audience says who reads a table. Security definer: the declarations are nobody''s to read.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992707_notification_types_of_modules';
