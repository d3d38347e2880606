-- Certificates and professionals: what an assignment rests on cannot be taken away while it stands.
--
-- * Only an admin verifies; `verified_at` and `verified_by` are when and who, whatever the client sends.
-- * A certificate that an assigned or active shift (not yet over) needs cannot be withdrawn, shortened or deleted: the
--   shift is released first.
-- * A professional with such a shift cannot be suspended or made inactive: the same.
-- * Both take the professional's row lock, in which assignments queue too, so the two never pass each other.
-- * Only an admin changes a professional's status; a guard changes their own home point.

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

create or replace function muster.tg_security_professionals__check_status() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if muster.acts_for_caller() and muster.admin_tenant_id() is null then
    perform muster.fail('forbidden', 'status');
  end if;
  perform muster.require_read_committed();
  if (new.status <> 'active' or new.deleted_at is not null) and exists (
    select from public.shifts s
    where s.professional_id = new.id
      and s.status in ('assigned', 'active')
      and s.end_datetime > now()
      and s.deleted_at is null
  ) then
    perform muster.fail('professional_in_use');
  end if;
  return new;
end
$$;
comment on function muster.tg_security_professionals__check_status() is
  'Security definer: the shifts may be of companies that the caller cannot see.';

create or replace trigger a_set_tenant before insert on public.certificates
  for each row execute function muster.tg_certificates__set_tenant();
create or replace trigger b_set_verifier before insert or update on public.certificates
  for each row execute function muster.tg_certificates__set_verifier();
create or replace trigger c_edit_trail before insert or update on public.certificates
  for each row execute function muster.set_edit_trail();
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
create or replace trigger soft_delete before delete on public.certificates
  for each row execute function muster.tg_soft_delete();
create or replace trigger a_check_status before update on public.security_professionals
  for each row when (old.status <> new.status or old.deleted_at is distinct from new.deleted_at)
  execute function muster.tg_security_professionals__check_status();
create or replace trigger b_edit_trail before insert or update on public.security_professionals
  for each row execute function muster.set_edit_trail();

alter function muster.tg_certificates__check_in_use() owner to muster_definer;
alter function muster.tg_security_professionals__check_status() owner to muster_definer;
