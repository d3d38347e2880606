-- Registration: how a token that the database does not know becomes a user.
--
-- * The first tenant and its admin are made by the owner (`npm run tenant`).
-- * Everybody else comes with an invitation: an admin invites any role of the tenant, a company invites colleagues and
--   guards. The code is shown once; the database keeps its SHA-256.
-- * An invitation is used once, before it expires, and, if it names an e-mail address, only by a token with that address.
--   Until then whoever sees it may withdraw it (a policy in access.sql).

create or replace function muster.create_tenant(tenant_name text, admin_name text, admin_email text, admin_user_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid;
begin
  insert into public.tenants (name) values (tenant_name) returning id into tenant;
  insert into public.users (id, tenant_id, role, name, email)
  values (admin_user_id, tenant, 'admin', admin_name, admin_email);
  return tenant;
end
$$;
comment on function muster.create_tenant(text, text, text, uuid) is
  'A marketplace with its first admin. For the owner alone. Security definer: forced row level security binds the owner.';

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
$$;
comment on function muster.create_invitation(text, uuid, text, interval) is
  'Gives the code, once. Security definer: no role may read or write code_hash.';

create or replace function muster.accept_invitation(
  code text, name text, email text, latitude float8 default null, longitude float8 default null
) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
comment on function muster.accept_invitation(text, text, text, float8, float8) is
  'Makes the caller a user. Security definer: a stranger may write nothing else.';

create or replace function muster.me() returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
comment on function muster.me() is
  'The caller, with e-mail and home point. Security definer: those columns are granted to nobody.';

create or replace function muster.professional_home(professional uuid) returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object('latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry))
  from public.security_professionals p
  where p.id = professional
    and p.home_point is not null
    and p.deleted_at is null
    and (p.id = muster.professional_id() or p.tenant_id = muster.admin_tenant_id())
$$;
comment on function muster.professional_home(uuid) is
  'Where a guard lives: for the guard and for admins. Security definer: the column is granted to nobody.';

create or replace trigger updated_at before update on public.invitations
  for each row execute function muster.set_updated_at();

grant execute on function muster.create_tenant(text, text, text, uuid) to service_role;
grant execute on function
  muster.create_invitation(text, uuid, text, interval),
  muster.accept_invitation(text, text, text, float8, float8),
  muster.me(),
  muster.professional_home(uuid)
to authenticated;

alter function muster.create_tenant(text, text, text, uuid) owner to muster_definer;
alter function muster.create_invitation(text, uuid, text, interval) owner to muster_definer;
alter function muster.accept_invitation(text, text, text, float8, float8) owner to muster_definer;
alter function muster.me() owner to muster_definer;
alter function muster.professional_home(uuid) owner to muster_definer;
