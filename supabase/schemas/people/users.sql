-- Users: one for each known token, in one tenant.
--
-- * Nobody writes users: they come with an invitation (invitations.sql), or with their tenant (tenants.sql).
-- * `role` and `organization_id` are those with which a user came. What they may do is what their memberships say (memberships.sql),
--   of which this is the first: a trigger keeps the two alike.
-- * `email` is granted to nobody: muster.me() tells callers theirs.
-- * Others see those whom a module above shows them, by a policy of its own; what else it knows of the caller, it adds to
--   muster.me by a function muster.me_of_<module>(caller).
-- * An admin suspends a user, reinstates them, or ends them for good (suspended_at, ended_at): the helpers know nothing of somebody who is
--   suspended, their sessions end, and what a module does then, muster.suspension_of_<module>(account) says.
-- * When a user changes, the change feed reads again to which groups that user belongs.

select muster.follow_table('public.users');

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
comment on function muster.me() is
  'The caller, with e-mail, and what modules know of them. Security definer: columns that are granted to nobody are in it.';
grant execute on function muster.me() to authenticated;

create or replace function muster.sign_in_of_people(account uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (select from public.users u where u.id = account and u.deleted_at is null and u.suspended_at is null);
end;
comment on function muster.sign_in_of_people(uuid) is 'Whether a user is one, and not suspended. For muster.may_sign_in.';
grant execute on function muster.sign_in_of_people(uuid) to muster_definer;

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
comment on function muster.user_of_address(text) is
  'The user whom a mail to this address reaches: one who came with a tenant, or by the tokens of another issuer, has no account yet. Security definer: sign-in can read nothing of users.';
grant execute on function muster.user_of_address(text) to muster_signin;

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
comment on function muster.user_to_judge(uuid) is 'The user whom the calling admin may suspend, locked.';
grant execute on function muster.user_to_judge(uuid) to muster_definer;

create or replace function muster.standing_of(judged public.users) returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'id', judged.id, 'name', judged.name, 'role', judged.role, 'suspended_at', judged.suspended_at, 'ended_at', judged.ended_at
);
comment on function muster.standing_of(public.users) is 'What an admin is told of a user who was suspended or reinstated.';
grant execute on function muster.standing_of(public.users) to muster_definer;

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
comment on function muster.suspend_user(uuid, boolean) is
  'An admin suspends a user, or ends them for good: the rules know nothing of them from then on. Security definer: nobody writes users or sessions of others.';

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
comment on function muster.reinstate_user(uuid) is
  'An admin lets a suspended user in again; what was released stays released. Security definer: nobody writes users.';
grant execute on function muster.suspend_user(uuid, boolean), muster.reinstate_user(uuid) to authenticated, muster_api;

create or replace function muster.suspended_users() returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select u.id from public.users u where u.suspended_at is not null;
end;
comment on function muster.suspended_users() is
  'Whose tokens each process refuses. Security definer: the login of background work reads no users.';
grant execute on function muster.suspended_users() to muster_worker, service_role;

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
comment on function muster.groups_of_people(uuid[]) is 'To which groups callers belong whom people tells apart.';
grant execute on function muster.groups_of_people(uuid[]) to muster_definer;

create or replace function muster.tg_users__follow_role() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    update public.memberships m
    set role = new.role, organization_id = new.organization_id
    where m.user_id = new.id and m.role = old.role;
    if found then
      return null;
    end if;
  end if;
  insert into public.memberships (tenant_id, user_id, organization_id, role)
  values (new.tenant_id, new.id, new.organization_id, new.role);
  return null;
end
$$;
comment on function muster.tg_users__follow_role() is
  'The role with which a user came is their first membership. Security definer: nobody may write memberships by themselves.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_kind before insert or update of role, organization_kind on public.users
  for each row execute function muster.tg_set_organization_kind();
create or replace trigger follow_role after insert on public.users
  for each row execute function muster.tg_users__follow_role();
create or replace trigger follow_role_on_update after update on public.users
  for each row when ((old.role, old.organization_id) is distinct from (new.role, new.organization_id))
  execute function muster.tg_users__follow_role();
create or replace trigger note_caller after insert or delete on public.users
  for each row execute function muster.tg_note_caller('id');
create or replace trigger note_caller_on_update after update on public.users
  for each row when (
    (old.id, old.tenant_id, old.deleted_at, old.suspended_at)
      is distinct from (new.id, new.tenant_id, new.deleted_at, new.suspended_at)
  )
  execute function muster.tg_note_caller('id');
-- A user who is written with triggers off, too, sees at once what they may see, and no more.
alter table public.users enable always trigger note_caller;
alter table public.users enable always trigger note_caller_on_update;

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists users_read_of_people on public.users;
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
comment on policy users_read_of_people on public.users is
  'Oneself, colleagues; admins all of the tenant.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select (id, tenant_id, organization_id, role, name, created_at, updated_at, deleted_at)
  on public.users to authenticated;
grant select, insert, update, delete on public.users to service_role;
grant select, insert on public.users to muster_definer;
grant update (suspended_at, ended_at) on public.users to muster_definer;

alter function muster.me() owner to muster_definer;
alter function muster.user_of_address(text) owner to muster_definer;
alter function muster.suspend_user(uuid, boolean) owner to muster_definer;
alter function muster.reinstate_user(uuid) owner to muster_definer;
alter function muster.suspended_users() owner to muster_definer;
alter function muster.tg_users__follow_role() owner to muster_definer;
