drop policy users_read_of_people on public.users;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
create or replace function muster.tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select u.tenant_id from public.users u where u.id = muster.user_id() and u.deleted_at is null and u.suspended_at is null);
end
$$;
--> statement-breakpoint
create or replace function muster.admin_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'admin' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.company_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'company' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.client_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'client' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.guard_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.professional_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select p.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.security_professionals p on p.user_id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null and p.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role in ('office', 'dispatcher') and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.office_carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'office' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.driver_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select d.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.drivers d on d.user_id = m.user_id and d.organization_id = m.organization_id
    where m.user_id = caller and m.role = 'driver' and u.deleted_at is null and u.suspended_at is null and d.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.broker_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'broker' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
--> statement-breakpoint
create policy internal on sign_in.users for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.sessions for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.spent_tokens for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.accounts for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.verifications for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.two_factors for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.passkeys for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on sign_in.keys for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace function muster.may_sign_in(account uuid) returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  said_by text;
  may boolean := false;
begin
  for said_by in select muster.functions_of('sign_in') loop
    execute format('select muster.%I($1)', said_by) into may using account;
    exit when may is not true;
  end loop;
  return coalesce(may, false);
end
$$;
--> statement-breakpoint
create or replace function muster.refresh_session(presented text, fresh text, grace interval, good_for interval)
returns table (outcome text, session_id uuid, user_id uuid, token text, email text, expires_at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  presented_hash constant text := encode(sha256(convert_to(presented, 'UTF8')), 'hex');
  session sign_in.sessions;
  spent sign_in.spent_tokens;
begin
  select * into session from sign_in.sessions s where s.token = presented for update;
  if not found then
    -- Of several refreshes at once the first has replaced the token while the others waited for the row.
    select * into spent from sign_in.spent_tokens t where t.token_hash = presented_hash;
    if found then
      select * into session from sign_in.sessions s where s.id = spent.session_id for update;
      if found and spent.spent_at < clock_timestamp() - grace then
        delete from sign_in.spent_tokens t where t.session_id = session.id;
        delete from sign_in.sessions s where s.id = session.id;
        return query select 'reused'::text, session.id, session.user_id, null::text, null::text, null::timestamptz;
        return;
      end if;
    end if;
  end if;
  if session.id is null or session.expires_at <= now() then
    return query select 'unknown'::text, null::uuid, null::uuid, null::text, null::text, null::timestamptz;
    return;
  elsif not muster.may_sign_in(session.user_id) then
    return query select 'refused'::text, session.id, session.user_id, null::text, null::text, null::timestamptz;
    return;
  end if;
  if session.token = presented then
    insert into sign_in.spent_tokens (token_hash, session_id, spent_at) values (presented_hash, session.id, clock_timestamp());
    update sign_in.sessions s
    set token = fresh, updated_at = now(), expires_at = now() + good_for
    where s.id = session.id
    returning * into session;
  end if;
  return query
    select 'refreshed'::text, session.id, session.user_id, session.token, u.email, session.expires_at
    from sign_in.users u
    where u.id = session.user_id;
end
$$;
--> statement-breakpoint
create or replace function muster.tidy_sign_in() returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  gone bigint;
  done bigint := 0;
begin
  delete from sign_in.sessions s where s.expires_at < now();
  get diagnostics gone = row_count;
  done := done + gone;
  delete from sign_in.spent_tokens t where not exists (select from sign_in.sessions s where s.id = t.session_id);
  delete from sign_in.verifications v where v.expires_at < now();
  get diagnostics gone = row_count;
  return done + gone;
end
$$;
--> statement-breakpoint
create policy run on sign_in.users for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.sessions for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.spent_tokens for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.accounts for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.verifications for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.two_factors for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.passkeys for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create policy run on sign_in.keys for all to muster_signin using (true) with check (true);
--> statement-breakpoint
create or replace function muster.codes_of_people() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'invitation_invalid', 'MU017',
  'already_registered', 'MU018',
  'user_ended', 'MU210'
);
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
  registered public.users;
  is_good boolean;
  caller uuid := muster.user_id();
  joining regprocedure;
  -- An issuer that knows no address may send an empty one (Supabase Auth does, for who signs in by phone).
  token_email text := nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '');
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  select * into registered from public.users u where u.id = caller;
  select * into invitation
  from public.invitations i
  where i.code_hash = encode(sha256(convert_to(accept_invitation.code, 'UTF8')), 'hex')
  for no key update;
  is_good := found
    and invitation.accepted_at is null
    and invitation.expires_at > now()
    and (invitation.email is null or lower(invitation.email) is not distinct from lower(token_email))
    and not exists (
      select from public.organizations o where o.id = invitation.organization_id and o.deleted_at is not null
    );
  -- A removed user stays removed, and nobody belongs to two tenants.
  if registered.id is not null
    and (not is_good or registered.deleted_at is not null or registered.suspended_at is not null
      or registered.tenant_id <> invitation.tenant_id) then
    perform muster.fail('already_registered');
  end if;
  if not is_good then
    perform muster.fail('invitation_invalid', 'code');
  end if;

  if registered.id is null then
    insert into public.users (id, tenant_id, organization_id, role, name, email)
    values (
      caller, invitation.tenant_id, invitation.organization_id, invitation.role, accept_invitation.name,
      coalesce(token_email, accept_invitation.email)
    );
  else
    begin
      insert into public.memberships (tenant_id, user_id, organization_id, role)
      values (invitation.tenant_id, caller, invitation.organization_id, invitation.role);
    exception
      -- The role itself, or one that a module keeps apart from it.
      when unique_violation then perform muster.fail('already_registered');
    end;
  end if;
  joining := muster.joining_as(invitation.role);
  if joining is not null then
    execute format('select %s($1, $2, $3, $4)', joining::regproc) using invitation.tenant_id, caller, latitude, longitude;
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$$;
--> statement-breakpoint
create or replace function muster.invitation_of(code text) returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select jsonb_build_object(
    'email', i.email, 'role', i.role, 'tenant_name', t.name, 'organization_name', o.name, 'expires_at', i.expires_at,
    'accepted_by', i.accepted_by
  )
  from public.invitations i
  join public.tenants t on t.id = i.tenant_id
  left join public.organizations o on o.id = i.organization_id
  where i.code_hash = encode(sha256(convert_to(invitation_of.code, 'UTF8')), 'hex')
    and (i.accepted_at is not null or i.expires_at > now())
    and o.deleted_at is null;
end;
--> statement-breakpoint
-- As muster_signin, in one transaction: the account, the user, and for a guard the professional, or none of them. Who repeats it with
-- the code after it was done, because the answer was lost, is told so: only the password then lets them in.
create or replace function muster.register_invited(
  code text, name text, email text, password_hash text, latitude float8 default null, longitude float8 default null
) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  invitation constant jsonb := muster.invitation_of(code);
  -- The one that the invitation was sent to; where it names none, whoever has the code says theirs.
  address constant text := lower(coalesce(invitation ->> 'email', register_invited.email));
  account uuid;
begin
  if invitation is null then
    return jsonb_build_object('outcome', 'refused', 'code', 'invitation_invalid', 'subject', 'code');
  elsif address is null then
    return jsonb_build_object('outcome', 'refused', 'code', 'validation_failed', 'subject', 'email');
  end if;
  if invitation ->> 'accepted_by' is not null then
    return jsonb_build_object('outcome', 'accepted', 'email', address);
  end if;
  insert into sign_in.users (name, email, email_verified)
  values (register_invited.name, address, invitation ->> 'email' is not null)
  on conflict do nothing
  returning id into account;
  if account is null then
    -- Somebody of this address has a way in: they sign in, and accept as who they are (POST /v1/me).
    return jsonb_build_object('outcome', 'known', 'email', address);
  end if;
  insert into sign_in.accounts (user_id, account_id, provider_id, password)
  values (account, account::text, 'credential', password_hash);
  perform set_config(
    'request.jwt.claims', jsonb_build_object('sub', account, 'role', 'authenticated', 'email', address)::text, true
  );
  perform muster.accept_invitation(code, name, address, latitude, longitude);
  return jsonb_build_object('outcome', 'registered', 'email', address, 'user_id', account);
end
$$;
--> statement-breakpoint
create or replace function muster.members_as(in_role text, organization uuid) returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.organization_id = organization and m.role = in_role and u.deleted_at is null and u.suspended_at is null;
end;
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
    ) end,
    'memberships', coalesce((
      select jsonb_agg(
        jsonb_build_object('role', m.role, 'organization', case when mo.id is not null then jsonb_build_object(
          'id', mo.id, 'name', mo.name, 'kind', mo.kind
        ) end)
        order by m.id
      )
      from public.memberships m
      left join public.organizations mo on mo.id = m.organization_id
      where m.user_id = u.id
    ), '[]')
  ) into answer
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  where u.id = caller and u.deleted_at is null and u.suspended_at is null;
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
create or replace function muster.sign_in_of_people(account uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (select from public.users u where u.id = account and u.deleted_at is null and u.suspended_at is null);
end;
--> statement-breakpoint
create or replace function muster.user_of_address(address text) returns table (id uuid, name text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select u.id, u.name
  from public.users u
  where lower(u.email) = lower(address) and u.deleted_at is null and u.suspended_at is null
    -- An address of two tenants does not say who is meant.
    and not exists (select from public.users other where lower(other.email) = lower(address) and other.id <> u.id);
end;
--> statement-breakpoint
-- Locks the user, so that of two admins the second finds what the first did.
create or replace function muster.user_to_judge(wanted uuid) returns public.users
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  judged public.users;
begin
  if muster.admin_tenant_id() is null then
    perform muster.fail('forbidden');
  end if;
  select u.* into judged
  from public.users u
  where u.id = wanted and u.tenant_id = muster.admin_tenant_id() and u.deleted_at is null
  for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  elsif wanted = muster.user_id() then
    -- Nobody would be left to undo it.
    perform muster.fail('forbidden', 'id');
  end if;
  return judged;
end
$$;
--> statement-breakpoint
create or replace function muster.standing_of(judged public.users) returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'id', judged.id, 'name', judged.name, 'role', judged.role, 'suspended_at', judged.suspended_at, 'ended_at', judged.ended_at
);
--> statement-breakpoint
create or replace function muster.suspend_user(wanted uuid, for_good boolean default false) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  judged public.users := muster.user_to_judge(wanted);
  suspension text;
begin
  if judged.suspended_at is null then
    update public.users u
    set suspended_at = now(), ended_at = case when for_good then now() end
    where u.id = wanted
    returning u.* into judged;
    for suspension in select muster.functions_of('suspension') loop
      execute format('select muster.%I($1)', suspension) using wanted;
    end loop;
  elsif for_good and judged.ended_at is null then
    update public.users u set ended_at = now() where u.id = wanted returning u.* into judged;
  end if;
  -- Also of one who was suspended before: a way in that was missed closes by doing it again.
  delete from sign_in.spent_tokens t
  where t.session_id in (select s.id from sign_in.sessions s where s.user_id = wanted);
  delete from sign_in.sessions s where s.user_id = wanted;
  -- Each process cuts what they have open (src/platform/operations/suspensions.ts).
  perform pg_notify('muster_suspensions', wanted::text);
  return muster.standing_of(judged);
end
$$;
--> statement-breakpoint
create or replace function muster.reinstate_user(wanted uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  judged public.users := muster.user_to_judge(wanted);
begin
  if judged.ended_at is not null then
    perform muster.fail('user_ended', 'id');
  elsif judged.suspended_at is not null then
    update public.users u set suspended_at = null where u.id = wanted returning u.* into judged;
  end if;
  return muster.standing_of(judged);
end
$$;
--> statement-breakpoint
create or replace function muster.suspended_users() returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select u.id from public.users u where u.suspended_at is not null;
end;
--> statement-breakpoint
create or replace function muster.groups_of_people(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  -- A deleted or suspended user has a token, and no tenant.
  select u.id, array['user:' || u.id] || array(
    select case m.role
      when 'admin' then 'admins:' || m.tenant_id
      when 'company' then 'company:' || m.organization_id
      when 'client' then 'client:' || m.organization_id
    end
    from public.memberships m
    where m.user_id = u.id
  )
  from public.users u
  where u.id = any (callers) and u.deleted_at is null and u.suspended_at is null;
end;
--> statement-breakpoint
create or replace trigger note_caller_on_update after update on public.users
  for each row when (
    (old.id, old.tenant_id, old.deleted_at, old.suspended_at)
      is distinct from (new.id, new.tenant_id, new.deleted_at, new.suspended_at)
  )
  execute function muster.tg_note_caller('id');
--> statement-breakpoint
create policy users_read_of_people on public.users for select to authenticated
  using (
    deleted_at is null
    and (
      (id = (select auth.uid()) and suspended_at is null)
      or organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
-- One page of candidates, in the form of the API, and where the next page begins (null on the last one).
create or replace function muster.shift_candidates(
  wanted uuid,
  max_items integer,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null,
  out items json,
  out next_distance float8,
  out next_id uuid
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: 3 ms instead of 150, among 20,000 guards.
set jit = off
as $$
declare
  -- Of so many guards a page says who is eligible. With `eligible_only` it looks at as many, whether they are or not, and leaves
  -- out the others: a requirement that nobody meets costs a page, not all guards of the tenant.
  most_judged constant integer := case when eligible_only then greatest(max_items, 100) else max_items end;
  -- The distance of guards who did not say where they live: they come last.
  unknown constant float8 := 'Infinity';
  shift public.shifts;
  company constant uuid := muster.company_id();
  latitude float8;
  origin geography;
  aside float8;
  nearest_left float8;
  by_distance cursor for
    select p.id, muster.home_area(p.home_point) <-> origin as distance_on_sphere
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
      and (
        after_distance is null
        or (
          coalesce(muster.home_area(p.home_point) <-> origin, unknown) >= nearest_left
          and (coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown), p.id)
            > (after_distance, after_id)
        )
      )
      and exists (select from public.users u where u.id = p.user_id and u.deleted_at is null and u.suspended_at is null)
    order by muster.home_area(p.home_point) <-> origin;
  page uuid[] := '{}';
  reach float8 := unknown;
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  elsif shift.status not in ('draft', 'published')
    or shift.start_datetime <= now()
    or not (
      shift.client_id = shift.company_id
      or exists (
        select from public.company_clients c
        where c.company_id = shift.company_id and c.client_id = shift.client_id
      )
    )
  then
    perform muster.fail('shift_not_open', 'status');
  end if;
  if company is not null then
    perform muster.count_candidate_page(company, row(
      shift.location_point, shift.start_datetime, shift.end_datetime, shift.required_certificates,
      max_items, eligible_only, after_distance, after_id
    )::text);
  end if;

  latitude := st_y(shift.location_point::geometry);
  origin := muster.search_origin(latitude, st_x(shift.location_point::geometry));
  aside := st_distance(origin, shift.location_point, false);
  -- On the sphere; as near to the last item as sphere and spheroid may disagree.
  nearest_left := after_distance / 1.006 - 1 - aside;
  for nearest in by_distance loop
    exit when coalesce(nearest.distance_on_sphere, unknown) > reach;
    page := page || nearest.id;
    -- One more than is judged tells that there is a next page.
    if cardinality(page) = most_judged + 1 then
      reach := muster.search_reach(coalesce(nearest.distance_on_sphere, unknown) + 2 * aside);
    end if;
  end loop;

  with looked_at as materialized (
    select p.id, u.name, d.distance, row_number() over (order by d.distance, p.id) as nth
    from public.security_professionals p
    join public.users u on u.id = p.user_id
    cross join lateral (
      select coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown) as distance offset 0
    ) d
    where p.id = any (page)
    order by d.distance, p.id
    limit most_judged + 1
  ), judged as materialized (
    select l.*, v.violations, row_number() over (order by l.nth) as place
    from looked_at l
    cross join lateral (
      select json_agg(json_build_object('code', v.code, 'detail', v.detail)) as violations
      from muster.assignment_violations(l.id, shift) v
    ) v
    where l.nth <= most_judged and (not eligible_only or v.violations is null)
  ), last as (
    -- Where more are eligible than fit, the next page begins after the last that is shown, else after the last looked at.
    select j.distance, j.id from judged j where j.place = max_items and (select count(*) from judged) > max_items
    union all
    select l.distance, l.id
    from looked_at l
    where l.nth = most_judged
      and (select count(*) from judged) <= max_items
      and (select count(*) from looked_at) > most_judged
  )
  select
    coalesce(json_agg(item order by j.place), '[]'),
    (select l.distance from last l),
    (select l.id from last l)
  into items, next_distance, next_id
  from judged j
  cross join lateral (
    select
      j.id as professional_id,
      j.name,
      nullif(j.distance, unknown) as distance_meters,
      j.violations is null as eligible,
      case
        when j.violations is null then '[]'
        when not muster.is_stranger(j.id) then j.violations
        else json_build_array(json_build_object('code', 'unavailable', 'detail', null))
      end as violations
  ) item
  where j.place <= max_items;
end
$$;
--> statement-breakpoint
-- The check-ins of one page, in the form of the API, by device time, and where the next page begins (null on the last one).
create or replace function muster.nearby_check_ins(
  latitude float8,
  longitude float8,
  within_meters float8,
  recorded_from timestamptz,
  recorded_to timestamptz,
  max_items integer,
  after_time timestamptz default null,
  after_id uuid default null,
  out items json,
  out next_time timestamptz,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: the index has the place, and the planner has no better idea.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  here constant geography := st_point(longitude, latitude)::geography;
  -- What earlier pages showed is left out; with the same time the id decides.
  earliest constant timestamptz := greatest(recorded_from, after_time);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
begin
  select m.role, m.tenant_id, m.organization_id into caller
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null and u.suspended_at is null;
  case caller.role
    when 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    -- A guard's own are in the lists of their shifts.
    else perform muster.fail('forbidden');
  end case;

  with found_items as materialized (
    select c.*
    from public.gps_checkins c
    where st_dwithin(c.gps_point, here, within_meters)
      -- `is true` keeps it from the index by shift and time, which would be read as a whole.
      and (c.recorded_at >= earliest and c.recorded_at < recorded_to) is true
      and (c.tenant_id = tenant or c.company_id = company or c.client_id = client)
      and (after_time is null or (c.recorded_at, c.id) > (after_time, after_id))
    order by c.recorded_at, c.id
    limit max_items + 1
  ), page as (
    select c.* from found_items c order by c.recorded_at, c.id limit max_items
  )
  select
    coalesce(json_agg(item order by page.recorded_at, page.id), '[]'),
    max(page.recorded_at) filter (where (select count(*) from found_items) > max_items),
    (array_agg(page.id order by page.recorded_at, page.id))[
      case when (select count(*) from found_items) > max_items then max_items end
    ]
  into items, next_time, next_id
  from page
  cross join lateral (
    select
      page.id,
      page.shift_id,
      page.assignment_id,
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      muster.checkin_flags(page.accuracy_meters) as flags,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$$;
--> statement-breakpoint
create or replace function muster.notify_of_pay_period(period public.pay_periods) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select period.tenant_id, planner.id, 'pay_period_closed', jsonb_build_object(
    'pay_period_id', period.id,
    'first_day', period.first_day,
    'last_day', period.last_day,
    'statements', made.statements,
    'payable', made.payable,
    'currency', 'EUR'
  )
  from muster.members_as('company', period.company_id) planner (id)
  cross join (
    select count(*) as statements, coalesce(sum(s.payable), 0) as payable
    from public.statements s
    where s.pay_period_id = period.id
  ) made;
end
$$;
--> statement-breakpoint
create or replace function muster.notify_of_payout(payout public.payouts, notification_type text, to_professional boolean) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select payout.tenant_id, told.id, notification_type, jsonb_build_object(
    'payout_id', payout.id,
    'statement_id', payout.statement_id,
    'amount', payout.amount,
    'currency', payout.currency,
    'reason', payout.last_error
  )
  from (
    select p.user_id as id from public.security_professionals p where to_professional and p.id = payout.professional_id
    union
    select m.user_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where not to_professional
      and m.tenant_id = payout.tenant_id
      and (m.role = 'admin' or (m.role = 'company' and m.organization_id = payout.company_id))
      and u.deleted_at is null
      and u.suspended_at is null
  ) told;
end;
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'guard_suspended', 'correction_proposed',
  'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
  'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved', 'pay_period_closed', 'statement_made',
  'payout_completed', 'payout_failed', 'payout_refunded'
];
--> statement-breakpoint
create or replace function muster.suspension_of_guarding(account uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  guard uuid := (select p.id from public.security_professionals p where p.user_id = account and p.deleted_at is null);
  shift public.shifts;
begin
  if guard is null then
    return;
  end if;
  -- Twice: an assignment that was under way has locked the professional, and is seen once it is committed. A later one finds the user
  -- suspended. A shift is locked before its professional, as everywhere.
  for attempt in 1..2 loop
    for shift in
      select s.* from public.shifts s
      where s.professional_id = guard and s.status = 'assigned' and s.deleted_at is null
      order by s.id
      for no key update
    loop
      if muster.has_begun(
        shift, (select a.id from public.assignments a where a.shift_id = shift.id and a.ended_at is null)
      ) then
        continue;
      end if;
      update public.shifts s set status = 'published' where s.id = shift.id returning s.* into shift;
      perform muster.notify_company(shift, 'shift_released');
    end loop;
    perform from public.security_professionals p where p.id = guard for no key update;
  end loop;
  for shift in
    select s.* from public.shifts s
    where s.professional_id = guard and s.status in ('assigned', 'active') and s.deleted_at is null
    order by s.id
  loop
    perform muster.notify_company(shift, 'guard_suspended');
  end loop;
end
$$;
--> statement-breakpoint
create or replace function muster.groups_of_guarding(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array['guards:' || m.tenant_id, 'professional:' || p.id]
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.security_professionals p on p.user_id = m.user_id and p.deleted_at is null
  where m.user_id = any (callers) and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null;
end;
--> statement-breakpoint
-- The open shifts of one page, in the form of the API, and where the next page begins (null on the last one).
create or replace function muster.nearby_shifts(
  latitude float8,
  longitude float8,
  within_meters float8,
  max_items integer,
  starts_after timestamptz default null,
  starts_before timestamptz default null,
  min_hourly_rate numeric default null,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null,
  out items json,
  out next_distance float8,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- The planner takes the radius for a handful of rows that cost a fortune each. Left alone it compiles the query (150 ms
-- against 2, among 40,000 open shifts), or reads all shifts of a company, or all within the radius, to sort them.
-- One plan for all values, and only indexes to choose from: the nearest are read, and no more.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- Read beyond the page at once: so many are most often enough to be sure that nothing nearer comes later. The farther
  -- out, the more are about as far as the last one; and it is dear to begin again, for all that are nearer are passed again.
  spare constant integer := case when after_distance is null then 8 else 16 end;
  here constant geography := st_point(longitude, latitude)::geography;
  -- The index goes outwards from here: see search_origin.
  origin constant geography := muster.search_origin(latitude, longitude);
  aside constant float8 := st_distance(origin, here, false);
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  -- On the sphere; a metre takes up what is rounded.
  nearest constant float8 := coalesce(after_distance / muster.metre_at_most(latitude, within_meters) - 1 - aside, 0);
  metre_at_least constant float8 := muster.metre_at_least(latitude, within_meters);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
  professional uuid;
  held text[];
  busy tstzmultirange;
  wanted integer := max_items + 1 + spare;
  found_items bigint;
  read_to float8;
begin
  items := '[]';
  select m.role, m.tenant_id, m.organization_id into caller
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null and u.suspended_at is null;
  case caller.role
    when 'zzp', 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    else null;
  end case;

  if eligible_only then
    select e.professional, e.held, e.busy into professional, held, busy from muster.eligibility() e;
    -- Nobody else is eligible for anything: an empty list would say that there is no work.
    if professional is null then
      perform muster.fail('forbidden', 'eligible_only');
    end if;
    if held is null then
      return;
    end if;
  end if;
  -- Within 0 m anybody may search, and finds nothing: it makes the plan, for those who come after in the same session.
  if coalesce(tenant, company, client) is null and within_meters > 0 then
    return;
  end if;

  loop
    -- In one pass: the shifts are sorted and counted as they are read, and only those of the page are spelled.
    select
      json_agg(item) filter (where read.nth <= max_items),
      max(read.distance) filter (where read.nth <= max_items),
      (array_agg(read.id) filter (where read.nth = max_items))[1],
      count(*),
      max(read.distance_on_sphere)
    into items, next_distance, next_id, found_items, read_to
    from (
      select c.*, row_number() over (order by c.distance, c.id) as nth
      from (
        select
          s.id, s.company_id, s.client_id, s.location_id, s.professional_id, s.status, s.start_datetime, s.end_datetime,
          s.time_zone, s.hourly_rate, s.overtime_rate, s.required_certificates, s.title, s.description, s.cancel_reason,
          s.location_point, s.created_at, s.updated_at,
          s.location_point <-> origin as distance_on_sphere,
          exact.distance
        from public.shifts s
        -- Four times as dear as on the sphere: computed once, of the shifts that pass the rest (`offset 0` keeps it apart).
        cross join lateral (select st_distance(s.location_point, here) as distance offset 0) exact
        where s.status = 'published'
          and s.deleted_at is null
          and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
          and st_dwithin(s.location_point, here, within_meters)
          and s.start_datetime >= earliest
          and s.start_datetime < latest
          and s.hourly_rate::float8 >= least_rate
          and (after_distance is null or s.location_point <-> origin >= nearest)
          and (after_distance is null or (exact.distance, s.id) > (after_distance, after_id))
          and (
            caller.role <> 'zzp'
            or s.company_id = s.client_id
            or exists (
              select from public.company_clients c where c.company_id = s.company_id and c.client_id = s.client_id
            )
          )
          and (
            not eligible_only
            or (
              s.required_certificates <@ held
              and not tstzrange(s.start_datetime, s.end_datetime) && busy
              and not exists (select from muster.assignment_violations(professional, s))
            )
          )
        order by s.location_point <-> origin
        limit wanted
      ) c
    ) read
    -- As a row: its columns are looked up once, where json_build_object does it for each value of each row.
    cross join lateral (
      select
        read.id,
        read.company_id,
        read.client_id,
        read.location_id,
        read.professional_id,
        read.status,
        read.start_datetime,
        read.end_datetime,
        read.time_zone,
        read.hourly_rate,
        read.overtime_rate,
        read.required_certificates,
        read.title,
        read.description,
        -- No guard has an open shift; whoever else finds it here may read its briefing.
        case when caller.role <> 'zzp' then (
          select b.text from public.shift_briefings b where b.shift_id = read.id
        ) end as instructions,
        read.cancel_reason,
        st_y(read.location_point::geometry) as latitude,
        st_x(read.location_point::geometry) as longitude,
        read.created_at,
        read.updated_at,
        (select l.name from public.locations l where l.id = read.location_id) as location_name,
        read.distance as distance_meters
    ) item;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items < wanted or read_to >= next_distance / metre_at_least + 1 + aside;
    wanted := 2 * wanted;
  end loop;
  items := coalesce(items, '[]');
  if found_items <= max_items then
    next_distance := null;
    next_id := null;
  end if;
end
$$;
--> statement-breakpoint
-- What rules most shifts out for a guard at a glance; what it leaves is looked at closely by assignment_violations.
-- `professional` is null for those who are no guards, `held` for guards who may claim nothing of what there is.
create or replace function muster.eligibility(out professional uuid, out held text[], out busy tstzmultirange)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  -- As shifts_at_most_48_hours has it.
  longest_shift constant interval := interval '48 hours';
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.memberships m
  join public.users u on u.id = m.user_id
  join public.security_professionals p on p.user_id = m.user_id
  where m.user_id = muster.user_id() and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null
    and p.deleted_at is null;
  professional := guard.id;
  if guard.status is distinct from 'active' then
    return;
  end if;

  -- A shift ends in the future, and so, give or take the time zones, must the certificate. For which company matters later.
  held := array(
    select c.kind
    from public.certificates c
    where c.professional_id = guard.id
      and c.verified_at is not null
      and c.deleted_at is null
      and c.valid_until >= (now() - interval '2 days')::date
  );
  -- The index gives each set once. It would take long to find in it, shift by shift, that none will do.
  if not exists (
    with recursive sets as (
      (
        select s.required_certificates as kinds
        from public.shifts s
        where s.tenant_id = guard.tenant_id and s.status = 'published' and s.deleted_at is null
        order by s.required_certificates
        limit 1
      )
      union all
      select (
        select s.required_certificates
        from public.shifts s
        where s.tenant_id = guard.tenant_id
          and s.status = 'published'
          and s.deleted_at is null
          and s.required_certificates > sets.kinds
        order by s.required_certificates
        limit 1
      )
      from sets
      where sets.kinds is not null
    )
    select
    from (select sets.kinds, row_number() over () as nth from sets limit most_sets) s
    where s.kinds <@ held or s.nth = most_sets
  ) then
    held := null;
    return;
  end if;

  busy := coalesce(
    (
      select range_agg(tstzrange(s.start_datetime, s.end_datetime))
      from public.shifts s
      where s.professional_id = guard.id
        -- As muster.assignment_violations has it.
        and (s.status in ('assigned', 'active') or (s.status = 'completed' and s.end_datetime > now()))
        and s.deleted_at is null
        -- What began earlier is over, and what is searched for has not begun: so the index reads the last few, and not all.
        and s.start_datetime > now() - longest_shift
    ),
    '{}'
  );
end
$$;
--> statement-breakpoint
-- Every reason against `professional` working `shift`, in the order in which the trigger would name them.
-- `detail` is a certificate's kind, the name of a field, or null: never anything about another shift.
create or replace function muster.assignment_violations(professional uuid, shift public.shifts)
returns table (code text, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  candidate record;
  required text;
  valid_through date;
  -- As shifts_at_most_48_hours has it.
  longest_shift constant interval := interval '48 hours';
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  last_moment timestamptz := shift.end_datetime - interval '1 microsecond';
  -- Nowhere is it a later day than at UTC+14: only a certificate that ends before needs the shift's own time zone.
  latest_day date := (last_moment at time zone 'UTC' + interval '14 hours')::date;
begin
  select p.status, u.suspended_at into candidate
  from public.security_professionals p
  join public.users u on u.id = p.user_id
  where p.id = professional
    and p.tenant_id = shift.tenant_id
    and p.deleted_at is null
    and u.deleted_at is null;
  if not found then
    code := 'not_found';
    detail := 'professional_id';
    return next;
    return;
  end if;

  if candidate.status <> 'active' or candidate.suspended_at is not null then
    code := 'professional_inactive';
    return next;
  end if;

  foreach required in array shift.required_certificates loop
    select max(c.valid_until) into valid_through
    from public.certificates c
    where c.professional_id = professional
      and c.kind = required
      and c.verified_at is not null
      and c.deleted_at is null
      and (c.company_id is null or c.company_id = shift.company_id);
    if valid_through is null
      or (valid_through < latest_day and valid_through < muster.last_day_of(last_moment, shift.time_zone))
    then
      code := case when valid_through is null then 'certificate_missing' else 'certificate_expired' end;
      detail := required;
      return next;
    end if;
  end loop;

  if exists (
    select from public.shifts other
    where other.professional_id = professional
      -- One that was left early may be worked again until its end.
      and (other.status in ('assigned', 'active') or (other.status = 'completed' and other.end_datetime > now()))
      and other.deleted_at is null
      and other.id <> shift.id
      -- Bounds for the index of a professional's shifts: without them it reads every one that they ever had.
      and other.start_datetime > shift.start_datetime - longest_shift
      and other.start_datetime < shift.end_datetime
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.warn_of_stale_payments() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with waiting as (
    -- A week for both sides to agree on the hours. What was agreed on waits for its pay period to be closed.
    select t.tenant_id, t.created_at
    from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    where t.status = 'pending'
      and s.status = 'completed'
      and s.end_datetime < now() - interval '7 days'
      and not exists (
        select from public.timesheets h where h.assignment_id = t.assignment_id and h.state in ('approved', 'locked')
      )
    union all
    -- A day for the provider, who answers within minutes.
    select p.tenant_id, p.created_at
    from public.payouts p
    where p.status in ('pending', 'processing', 'failed') and p.created_at < now() - interval '1 day'
  ), stale as (
    select w.tenant_id, count(*) as payments, min(w.created_at) as oldest
    from waiting w
    group by w.tenant_id
  ), told as (
    insert into public.notifications (tenant_id, user_id, type, data, once_key)
    select a.tenant_id, a.user_id, 'payments_stale',
      jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest),
      'payments_stale ' || to_char(now() at time zone 'UTC', 'IYYY"W"IW')
    from stale s
    join public.memberships a on a.tenant_id = s.tenant_id and a.role = 'admin'
    join public.users u on u.id = a.user_id and u.deleted_at is null and u.suspended_at is null
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
--> statement-breakpoint
-- Every reason against a leg as it is given. `detail` is the field that names whom or what the reason is about.
create or replace function muster.leg_violations(leg public.load_assignments) returns table (code text, detail text)
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  person record;
  vehicle record;
begin
  for person in
    select g.field, d.id, d.status, d.hire_date, d.termination_date, d.license_valid_until, exists (
      select from public.memberships m
      join public.users u on u.id = m.user_id
      where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
        and u.suspended_at is null
    ) as is_member
    from (values (1, 'driver_id', leg.driver_id), (2, 'co_driver_id', leg.co_driver_id)) as g (nth, field, id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    where g.id is not null
    order by g.nth
  loop
    detail := person.field;
    if person.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if person.status <> 'active' or not person.is_member or person.hire_date > leg.last_day or person.termination_date < leg.last_day then
      code := 'driver_inactive';
      return next;
    end if;
    if person.license_valid_until < leg.last_day then
      code := 'license_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = 'driver'
        and b.booked_id = person.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := 'driver_overlap';
      return next;
    end if;
  end loop;

  for vehicle in
    select 'truck' as kind, leg.truck_id as given, t.id, t.status, t.inspection_due_on
    from (values (leg.truck_id)) as g (id)
    left join public.trucks t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
    union all
    select 'trailer', leg.trailer_id, t.id, t.status, t.inspection_due_on
    from (values (leg.trailer_id)) as g (id)
    left join public.trailers t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
  loop
    continue when vehicle.given is null;
    detail := vehicle.kind || '_id';
    if vehicle.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if vehicle.status <> 'in_service' then
      code := 'equipment_out_of_service';
      return next;
    end if;
    if vehicle.inspection_due_on < leg.last_day then
      code := 'inspection_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = vehicle.kind
        and b.booked_id = vehicle.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := vehicle.kind || '_overlap';
      return next;
    end if;
  end loop;
end
$$;
--> statement-breakpoint
create or replace function muster.suspension_of_freight(account uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  suspended constant uuid[] := array(
    select d.id from public.drivers d where d.user_id = account and d.deleted_at is null order by d.id
  );
  load public.loads;
begin
  -- Twice: an assignment that was under way has locked the driver, and is seen once it is committed. A later one finds the user
  -- suspended. A load is locked before its drivers, as everywhere.
  for attempt in 1..2 loop
    for load in
      select l.* from public.loads l
      where l.status = 'assigned' and l.driver_ids && suspended and l.deleted_at is null
      order by l.id
      for no key update
    loop
      update public.load_assignments a
      set ended_at = now(), ended_as = 'unassigned'
      where a.load_id = load.id and a.ended_at is null and (a.driver_id = any (suspended) or a.co_driver_id = any (suspended));
      continue when not found;
      if not exists (select from public.load_assignments a where a.load_id = load.id and a.ended_at is null) then
        update public.loads l set status = 'pending' where l.id = load.id;
      end if;
      perform muster.notify_carrier(load, 'load_unassigned');
    end loop;
    perform muster.lock_booked(suspended, '{}', '{}');
  end loop;
  for load in
    select l.* from public.loads l
    where l.status = 'in_transit' and l.driver_ids && suspended and l.deleted_at is null
    order by l.id
  loop
    perform muster.notify_carrier(load, 'load_driver_suspended');
  end loop;
end
$$;
--> statement-breakpoint
create or replace function muster.notify_carrier(load public.loads, notification_type text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select load.tenant_id, told.id, notification_type, jsonb_build_object(
    'load_id', load.id,
    'reference', load.reference,
    'starts_at', load.starts_at,
    'ends_at', load.ends_at
  )
  from (
    select muster.members_as('office', load.organization_id)
    union
    select muster.members_as('dispatcher', load.organization_id)
  ) told (id);
end;
--> statement-breakpoint
create or replace function muster.tg_loads__check_dispatcher() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = new.dispatcher_id
      and m.organization_id = new.organization_id
      and m.role in ('office', 'dispatcher')
      and u.deleted_at is null
      and u.suspended_at is null
  ) then
    perform muster.fail('not_found', 'dispatcher_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.groups_of_freight(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array_agg(case
    when m.role in ('office', 'dispatcher') then 'carrier:' || m.organization_id
    when m.role = 'broker' then 'broker:' || m.organization_id
    when m.role = 'driver' then 'driver:' || d.id
  end)
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.drivers d
    on m.role = 'driver' and d.user_id = m.user_id and d.organization_id = m.organization_id and d.deleted_at is null
  where m.user_id = any (callers) and m.role in ('office', 'dispatcher', 'broker', 'driver') and u.deleted_at is null and u.suspended_at is null
  group by m.user_id;
end;
--> statement-breakpoint
create or replace function muster.notification_types_of_freight() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array['load_assigned', 'load_unassigned', 'load_changed', 'load_cancelled', 'load_driver_suspended'];
--> statement-breakpoint
alter function muster.may_sign_in(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.tidy_sign_in() owner to muster_definer;
--> statement-breakpoint
alter function muster.invitation_of(text) owner to muster_definer;
--> statement-breakpoint
alter function muster.user_of_address(text) owner to muster_definer;
--> statement-breakpoint
alter function muster.suspend_user(uuid,boolean) owner to muster_definer;
--> statement-breakpoint
alter function muster.reinstate_user(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.suspended_users() owner to muster_definer;
--> statement-breakpoint
alter table sign_in.users enable row level security;
--> statement-breakpoint
alter table sign_in.users force row level security;
--> statement-breakpoint
alter table sign_in.accounts enable row level security;
--> statement-breakpoint
alter table sign_in.accounts force row level security;
--> statement-breakpoint
alter table sign_in.two_factors enable row level security;
--> statement-breakpoint
alter table sign_in.two_factors force row level security;
--> statement-breakpoint
alter table sign_in.passkeys enable row level security;
--> statement-breakpoint
alter table sign_in.passkeys force row level security;
--> statement-breakpoint
alter table sign_in.keys enable row level security;
--> statement-breakpoint
alter table sign_in.keys force row level security;
--> statement-breakpoint
alter table sign_in.sessions enable row level security;
--> statement-breakpoint
alter table sign_in.sessions force row level security;
--> statement-breakpoint
alter table sign_in.spent_tokens enable row level security;
--> statement-breakpoint
alter table sign_in.spent_tokens force row level security;
--> statement-breakpoint
alter table sign_in.verifications enable row level security;
--> statement-breakpoint
alter table sign_in.verifications force row level security;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke all on table sign_in.users from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.accounts from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.two_factors from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.passkeys from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.keys from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.sessions from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.spent_tokens from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table sign_in.verifications from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.refresh_session(text,text,interval,interval) from public;
--> statement-breakpoint
revoke execute on function muster.may_sign_in(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.tidy_sign_in() from public;
--> statement-breakpoint
revoke execute on function muster.invitation_of(text) from public;
--> statement-breakpoint
revoke execute on function muster.register_invited(text,text,text,text,double precision,double precision) from public;
--> statement-breakpoint
revoke execute on function muster.sign_in_of_people(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.user_to_judge(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.standing_of(users) from public;
--> statement-breakpoint
revoke execute on function muster.user_of_address(text) from public;
--> statement-breakpoint
revoke execute on function muster.suspend_user(uuid,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.reinstate_user(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.suspended_users() from public;
--> statement-breakpoint
revoke execute on function muster.suspension_of_guarding(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.notify_carrier(loads,text) from public;
--> statement-breakpoint
revoke execute on function muster.suspension_of_freight(uuid) from public;
--> statement-breakpoint
grant execute on function muster.accept_invitation(text,text,text,double precision,double precision) to muster_signin;
--> statement-breakpoint
grant execute on function muster.invitation_of(text) to muster_signin;
--> statement-breakpoint
grant execute on function muster.may_sign_in(uuid) to muster_signin, muster_worker, service_role;
--> statement-breakpoint
grant execute on function muster.notify_carrier(loads,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.refresh_session(text,text,interval,interval) to muster_signin;
--> statement-breakpoint
grant execute on function muster.register_invited(text,text,text,text,double precision,double precision) to muster_signin;
--> statement-breakpoint
grant execute on function muster.reinstate_user(uuid) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.sign_in_of_people(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.standing_of(users) to muster_definer;
--> statement-breakpoint
grant execute on function muster.suspend_user(uuid,boolean) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.suspended_users() to muster_worker, service_role;
--> statement-breakpoint
grant execute on function muster.suspension_of_freight(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.suspension_of_guarding(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.tidy_sign_in() to muster_jobs, service_role;
--> statement-breakpoint
grant execute on function muster.user_of_address(text) to muster_signin;
--> statement-breakpoint
grant execute on function muster.user_to_judge(uuid) to muster_definer;
--> statement-breakpoint
grant update (ended_at, suspended_at) on table public.users to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.accounts to muster_signin;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.keys to muster_signin;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.passkeys to muster_signin;
--> statement-breakpoint
grant delete, select (expires_at, id, user_id) on table sign_in.sessions to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.sessions to muster_signin;
--> statement-breakpoint
grant delete, select (session_id) on table sign_in.spent_tokens to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.spent_tokens to muster_signin;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.two_factors to muster_signin;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.users to muster_signin;
--> statement-breakpoint
grant delete, select (expires_at) on table sign_in.verifications to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table sign_in.verifications to muster_signin;
--> statement-breakpoint
comment on policy internal on sign_in.users is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.sessions is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.spent_tokens is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.accounts is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.verifications is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.two_factors is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.passkeys is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on sign_in.keys is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.may_sign_in(uuid) is
  'Whether every module lets an account in (muster.sign_in_of_<module>). Security definer: sign-in can read nothing of theirs.';
--> statement-breakpoint
comment on function muster.refresh_session(text, text, interval, interval) is
  'The next token of a session, for the one before; a token that was replaced longer ago than the grace ends the session.';
--> statement-breakpoint
comment on function muster.tidy_sign_in() is
  'Background work: what has expired goes. Security definer: nobody but sign-in reaches its tables.';
--> statement-breakpoint
comment on policy run on sign_in.users is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.sessions is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.spent_tokens is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.accounts is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.verifications is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.two_factors is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.passkeys is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on policy run on sign_in.keys is 'Sign-in keeps its own tables.';
--> statement-breakpoint
comment on function muster.invitation_of(text) is
  'What whoever has the code is invited to; null for none. Security definer: sign-in asks before there is a user.';
--> statement-breakpoint
comment on function muster.register_invited(text, text, text, text, float8, float8) is
  'Makes the account and the user of an invitation in one step.';
--> statement-breakpoint
comment on function muster.sign_in_of_people(uuid) is 'Whether a user is one, and not suspended. For muster.may_sign_in.';
--> statement-breakpoint
comment on function muster.user_of_address(text) is
  'The user whom a mail to this address reaches: one who came with a tenant, or by the tokens of another issuer, has no account yet. Security definer: sign-in can read nothing of users.';
--> statement-breakpoint
comment on function muster.user_to_judge(uuid) is 'The user whom the calling admin may suspend, locked.';
--> statement-breakpoint
comment on function muster.standing_of(public.users) is 'What an admin is told of a user who was suspended or reinstated.';
--> statement-breakpoint
comment on function muster.suspend_user(uuid, boolean) is
  'An admin suspends a user, or ends them for good: the rules know nothing of them from then on. Security definer: nobody writes users or sessions of others.';
--> statement-breakpoint
comment on function muster.reinstate_user(uuid) is
  'An admin lets a suspended user in again; what was released stays released. Security definer: nobody writes users.';
--> statement-breakpoint
comment on function muster.suspended_users() is
  'Whose tokens each process refuses. Security definer: the login of background work reads no users.';
--> statement-breakpoint
comment on policy users_read_of_people on public.users is
  'Oneself, colleagues; admins all of the tenant.';
--> statement-breakpoint
comment on function muster.suspension_of_guarding(uuid) is
  'Releases the shifts of a guard who is suspended, and tells the company of one that has begun. For muster.suspend_user.';
--> statement-breakpoint
comment on function muster.suspension_of_freight(uuid) is
  'Unassigns what a suspended driver has not picked up yet, and tells the carrier; also of what is on the way. For muster.suspend_user.';
--> statement-breakpoint
comment on function muster.notify_carrier(public.loads, text) is 'A notification for whoever plans for the carrier of a load.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796031389_sign_in_rules';
