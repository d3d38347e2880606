-- Certificates: what an assignment rests on cannot be taken away while it stands.
--
-- * Only an admin verifies; `verified_at` and `verified_by` are when and who, whatever the client sends.
-- * A certificate that an assigned or active shift (not yet over) needs cannot be withdrawn, shortened or deleted: the
--   shift is released first.
-- * It takes the professional's row lock, in which assignments queue too, so the two never pass each other.

select muster.follow_table('public.certificates', trail => 'c_edit_trail', soft_delete => true);

create or replace function muster.tg_certificates__set_verifier() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.verified_at is null then
    new.verified_by := null;
  elsif tg_op = 'UPDATE' and old.verified_at is not null then
    new.verified_at := old.verified_at;
    new.verified_by := old.verified_by;
  elsif muster.user_id() is not null then
    new.verified_at := now();
    new.verified_by := muster.user_id();
  end if;
  return new;
end
$$;
comment on function muster.tg_certificates__set_verifier() is 'Who verified, and when, is not for the client to say.';

-- Runs with the rights of whoever writes: a professional that they do not see does not exist.
create or replace function muster.tg_certificates__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.professional_id := coalesce(new.professional_id, muster.professional_id());
  if new.professional_id is null then
    -- The policy refuses whoever may not create one at all; an admin learns from the column that it must be given.
    new.tenant_id := muster.tenant_id();
    return new;
  end if;
  select p.tenant_id into new.tenant_id from public.security_professionals p where p.id = new.professional_id;
  if not found then
    perform muster.fail('not_found', 'professional_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_certificates__set_tenant() is
  'A certificate is in its professional''s tenant, a guard''s own by default; whose it may be the insert policy decides.';

create or replace function muster.tg_certificates__check_in_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  perform muster.require_read_committed();
  perform from public.security_professionals p where p.id = old.professional_id for no key update;
  if exists (
    select
    from public.shifts s
    cross join lateral muster.assignment_violations(s.professional_id, s) v
    where s.professional_id = old.professional_id
      and s.status in ('assigned', 'active')
      and s.end_datetime > now()
      and s.deleted_at is null
      and old.kind = any (s.required_certificates)
      and v.code in ('certificate_missing', 'certificate_expired')
      and v.detail = old.kind
  ) then
    perform muster.fail('certificate_in_use', old.kind);
  end if;
  return null;
end
$$;
comment on function muster.tg_certificates__check_in_use() is
  'Security definer: the shifts that need the certificate may be of companies that the caller cannot see.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.certificates
  for each row execute function muster.tg_certificates__set_tenant();
create or replace trigger b_set_verifier before insert or update on public.certificates
  for each row execute function muster.tg_certificates__set_verifier();
create or replace trigger check_in_use after update on public.certificates
  for each row when (
    old.verified_at is not null
    and old.deleted_at is null
    and (
      new.verified_at is null
      or new.deleted_at is not null
      or new.valid_until < old.valid_until
      or new.kind <> old.kind
      or new.company_id is distinct from old.company_id
      or new.professional_id <> old.professional_id
    )
  )
  execute function muster.tg_certificates__check_in_use();
create or replace trigger check_in_use_on_delete after delete on public.certificates
  for each row when (old.verified_at is not null and old.deleted_at is null)
  execute function muster.tg_certificates__check_in_use();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists certificates_read on public.certificates;
create policy certificates_read on public.certificates for select to authenticated
  using (
    deleted_at is null
    and (
      professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (
        select from public.shifts s
        where s.professional_id = certificates.professional_id
          and s.company_id = (select muster.company_id())
          and s.status in ('assigned', 'active')
        offset 0
      )
    )
  );
comment on policy certificates_read on public.certificates is
  'Guards their own; companies those of professionals assigned to their shifts; admins all of the tenant.';
drop policy if exists certificates_create on public.certificates;
create policy certificates_create on public.certificates for insert to authenticated
  with check (
    (professional_id = (select muster.professional_id()) and verified_at is null)
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy certificates_create on public.certificates is 'Guards their own, unverified; admins any.';
drop policy if exists certificates_edit on public.certificates;
create policy certificates_edit on public.certificates for update to authenticated
  using (deleted_at is null and tenant_id = (select muster.admin_tenant_id()))
  with check (tenant_id = (select muster.admin_tenant_id()));
comment on policy certificates_edit on public.certificates is 'Admins verify and withdraw.';
drop policy if exists certificates_remove on public.certificates;
create policy certificates_remove on public.certificates for delete to authenticated
  using (
    deleted_at is null
    and (
      (professional_id = (select muster.professional_id()) and verified_at is null)
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy certificates_remove on public.certificates is 'Guards what is not verified yet; admins any.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.certificates to authenticated;
grant insert (id, professional_id, company_id, kind, number, valid_until) on public.certificates to authenticated;
grant update (verified_at, valid_until) on public.certificates to authenticated;
grant select, insert, update, delete on public.certificates to service_role;
grant select, update on public.certificates to muster_definer;

alter function muster.tg_certificates__check_in_use() owner to muster_definer;
