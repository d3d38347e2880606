-- Invitations: how a token that the database does not know becomes a user.
--
-- * Everybody else comes with an invitation: an admin invites any role of the tenant, a company invites colleagues and
--   guards. The code is shown once; the database keeps its SHA-256.
-- * A user of the tenant gets another role with one: a membership (memberships.sql).
-- * An invitation is used once, before it expires, and, if it names an e-mail address, only by a token with that address.
--   Until then whoever sees it may withdraw it.
-- * Whom else the users of a module invite, muster.invites_of_<module>(role, organization) says: into the organization of the role.
-- * A role that is not of people may come with a function of its module, muster.join_as_<role>(tenant, caller, latitude, longitude),
--   which makes what such a user has. It is a role of those who belong to no organization.
-- * The column `code_hash` is granted to nobody.

select muster.follow_table('public.invitations');

create or replace function muster.joining_as(role text) returns regprocedure
language sql
stable
set search_path = pg_catalog, pg_temp
return to_regprocedure('muster.' || quote_ident('join_as_' || role) || '(uuid,uuid,float8,float8)');
comment on function muster.joining_as(text) is 'What makes a user of a module''s role what they are; null for the roles of people.';
grant execute on function muster.joining_as(text) to muster_definer;

create or replace function muster.may_invite(role text, organization uuid) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  invites text;
  may boolean;
begin
  for invites in select muster.functions_of('invites') loop
    execute format('select muster.%I($1, $2)', invites) into may using role, organization;
    if may then
      return true;
    end if;
  end loop;
  return false;
end
$$;
comment on function muster.may_invite(text, uuid) is 'Whether a module lets the caller invite somebody as this, into this organization.';
grant execute on function muster.may_invite(text, uuid) to muster_definer;

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
  if muster.admin_tenant_id() is null and not muster.may_invite(create_invitation.role, organization) and not coalesce(
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
    encode(sha256(convert_to(code, 'UTF8')), 'hex'), now() + valid_for, muster.user_id(),
    coalesce(muster.company_id(), case when muster.admin_tenant_id() is null then organization end)
  )
  returning * into invited;
  return jsonb_build_object(
    'id', invited.id, 'organization_id', invited.organization_id, 'role', invited.role, 'email', invited.email,
    'expires_at', invited.expires_at, 'accepted_at', invited.accepted_at, 'accepted_by', invited.accepted_by,
    'created_by', invited.created_by, 'created_at', invited.created_at, 'code', code
  );
end
$$;
comment on function muster.create_invitation(text, uuid, text, interval) is
  'Gives the code, once. Security definer: no role may read or write code_hash.';

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
comment on function muster.accept_invitation(text, text, text, float8, float8) is
  'Makes the caller a user, or gives a user another role. Security definer: a stranger may write nothing else.';

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
comment on function muster.invitation_of(text) is
  'What whoever has the code is invited to; null for none. Security definer: sign-in asks before there is a user.';
grant execute on function muster.invitation_of(text) to muster_signin;

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
comment on function muster.register_invited(text, text, text, text, float8, float8) is
  'Makes the account and the user of an invitation in one step.';
grant execute on function muster.register_invited(text, text, text, text, float8, float8) to muster_signin;

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_kind before insert or update of role, organization_kind on public.invitations
  for each row execute function muster.tg_set_organization_kind();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists invitations_read_of_people on public.invitations;
create policy invitations_read_of_people on public.invitations for select to authenticated
  using (
    inviting_organization_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy invitations_read_of_people on public.invitations is 'A company its own, an admin the tenant''s.';
drop policy if exists invitations_withdraw_of_people on public.invitations;
create policy invitations_withdraw_of_people on public.invitations for delete to authenticated
  using (
    accepted_at is null
    and (inviting_organization_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy invitations_withdraw_of_people on public.invitations is 'Until it is accepted, whoever sees it.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select (id, tenant_id, organization_id, role, email, expires_at, accepted_at, accepted_by, created_by,
  inviting_organization_id, created_at, updated_at)
  on public.invitations to authenticated;
grant delete on public.invitations to authenticated;
grant select, insert, update, delete on public.invitations to service_role;
grant select, insert, update on public.invitations to muster_definer;

grant execute on function
  muster.create_invitation(text, uuid, text, interval),
  muster.accept_invitation(text, text, text, float8, float8)
to authenticated;
grant execute on function muster.accept_invitation(text, text, text, float8, float8) to muster_signin;

alter function muster.invitation_of(text) owner to muster_definer;
alter function muster.create_invitation(text, uuid, text, interval) owner to muster_definer;
alter function muster.accept_invitation(text, text, text, float8, float8) owner to muster_definer;
