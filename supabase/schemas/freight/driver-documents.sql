-- Documents of drivers: the license, the medical card and what else a driver carries, each until the day on which it ends.
--
-- * A driver has one document of a kind. Whoever plans for the carrier writes it, and drivers write their own.
-- * The office verifies, and admins of the tenant; nobody their own. Another number or another last day takes the verification away,
--   unless the same statement verifies anew.
-- * No load without the documents of muster.required_documents: verified, and valid through its last delivery
--   (load-assignments.sql). One that a load rests on is not withdrawn, shortened or removed: the load is unassigned first, or the office
--   verifies what replaces it. The change takes the driver's row lock, in which assignments queue too.
-- * What is verified is removed by the office and admins, what is not by whoever writes it.
-- * Driver and office are told in time that a verified document ends (people/documents.sql).

create or replace function muster.audience_of_driver_documents(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
comment on function muster.audience_of_driver_documents(jsonb, timestamptz) is
  'Who sees a document of a driver: driver_documents_read, as groups.';
grant execute on function muster.audience_of_driver_documents(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.driver_documents',
  trail => 'c_edit_trail',
  soft_delete => true,
  published => array['id', 'organization_id', 'driver_id', 'kind', 'number', 'expiry_date', 'is_verified', 'verified_at', 'verified_by',
    'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id', 'deleted_at']
);

create or replace function muster.required_documents() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array['license', 'medical_card'];
comment on function muster.required_documents() is 'The kinds of documents without which nobody drives a load (49 CFR 391.11, 391.41).';

-- Runs with the rights of whoever writes: a driver that they do not see does not exist.
create or replace function muster.tg_driver_documents__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_documents__copy_driver() is 'Whose a document is, as its driver says.';

create or replace function muster.tg_driver_documents__set_verifier() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and new.verified_at is not distinct from old.verified_at then
    if (new.driver_id, new.kind, new.number, new.expiry_date) is distinct from (old.driver_id, old.kind, old.number, old.expiry_date) then
      new.verified_at := null;
    end if;
    new.verified_by := old.verified_by;
  elsif muster.user_id() is not null then
    new.verified_at := case when new.verified_at is not null then now() end;
    new.verified_by := muster.user_id();
  end if;
  new.is_verified := new.verified_at is not null;
  if not new.is_verified then
    new.verified_by := null;
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_documents__set_verifier() is
  'Who verified, and when, is not for the client to say; what was verified is not another number or day.';

create or replace function muster.tg_driver_documents__check_in_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.require_read_committed();
  perform from public.drivers d where d.id = old.driver_id for no key update;
  if exists (
    select from muster.load_bookings b
    join public.load_assignments a on a.id = b.assignment_id
    where b.kind = 'driver'
      and b.booked_id = old.driver_id
      and not exists (
        select from public.driver_documents d
        where d.driver_id = old.driver_id
          and d.kind = old.kind
          and d.is_verified
          and d.deleted_at is null
          and d.expiry_date >= a.last_day
      )
  ) then
    perform muster.fail('document_in_use', old.kind);
  end if;
  return null;
end
$$;
comment on function muster.tg_driver_documents__check_in_use() is
  'A load keeps the documents that it rests on. Security definer: bookings are nobody''s to read.';

create or replace function muster.expiring_documents_of_freight(first_day date, last_day date)
returns table (tenant_id uuid, user_id uuid, type text, document_id uuid, expires_on date, data jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select d.tenant_id, told.id as user_id, 'driver_document_expiring'::text as type, c.id as document_id, c.expiry_date as expires_on,
    jsonb_build_object('document_id', c.id, 'driver_id', d.id, 'driver', d.name, 'kind', c.kind, 'expiry_date', c.expiry_date) as data
  from public.driver_documents c
  join public.drivers d on d.id = c.driver_id
  cross join lateral (
    select d.user_id as id
    union
    select office.id from muster.members_as('office', d.organization_id) office (id)
  ) told
  where c.is_verified
    and c.deleted_at is null
    and c.expiry_date between first_day and last_day
    and d.status <> 'terminated'
    and d.deleted_at is null;
end;
comment on function muster.expiring_documents_of_freight(date, date) is
  'The verified documents that end in these days, for the driver and each of the office. For muster.warn_of_expiring_documents.';

create or replace function muster.warn_of_expiring_driver_documents() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
return muster.warn_of_expiring_documents('freight');
comment on function muster.warn_of_expiring_driver_documents() is
  'Background work: drivers and the office learn in time that a document ends. Security definer: it writes other people''s notifications.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_copy_driver before insert on public.driver_documents
  for each row execute function muster.tg_driver_documents__copy_driver();
create or replace trigger b_set_verifier before insert or update on public.driver_documents
  for each row execute function muster.tg_driver_documents__set_verifier();
create or replace trigger check_in_use after update on public.driver_documents
  for each row when (
    old.is_verified
    and old.deleted_at is null
    and old.kind = any (muster.required_documents())
    and (
      not new.is_verified
      or new.deleted_at is not null
      or new.expiry_date < old.expiry_date
      or new.kind <> old.kind
      or new.driver_id <> old.driver_id
    )
  )
  execute function muster.tg_driver_documents__check_in_use();
create or replace trigger check_in_use_on_delete after delete on public.driver_documents
  for each row when (old.is_verified and old.deleted_at is null and old.kind = any (muster.required_documents()))
  execute function muster.tg_driver_documents__check_in_use();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists driver_documents_read on public.driver_documents;
create policy driver_documents_read on public.driver_documents for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or driver_id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy driver_documents_read on public.driver_documents is
  'Office and dispatchers those of their carrier; drivers their own; admins all of the tenant.';
drop policy if exists driver_documents_create on public.driver_documents;
create policy driver_documents_create on public.driver_documents for insert to authenticated
  with check (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy driver_documents_create on public.driver_documents is
  'Whoever sees the driver; that it is verified is not granted.';
drop policy if exists driver_documents_edit on public.driver_documents;
create policy driver_documents_edit on public.driver_documents for update to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or driver_id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    case
      when not is_verified then organization_id = (select muster.carrier_id())
        or driver_id = (select muster.driver_id())
        or tenant_id = (select muster.admin_tenant_id())
      else driver_id is distinct from (select muster.driver_id())
        and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
    end
  );
comment on policy driver_documents_edit on public.driver_documents is
  'Whoever sees it. What is verified afterwards, the office and admins wrote, and not of themselves.';
drop policy if exists driver_documents_remove on public.driver_documents;
create policy driver_documents_remove on public.driver_documents for delete to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.office_carrier_id())
      or tenant_id = (select muster.admin_tenant_id())
      or (not is_verified and (organization_id = (select muster.carrier_id()) or driver_id = (select muster.driver_id())))
    )
  );
comment on policy driver_documents_remove on public.driver_documents is
  'The office of its carrier, and admins; dispatchers and drivers what is not verified.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.driver_documents to authenticated;
grant insert (id, driver_id, kind, number, expiry_date) on public.driver_documents to authenticated;
grant update (number, expiry_date, verified_at) on public.driver_documents to authenticated;
grant select, insert, update, delete on public.driver_documents to service_role;
grant select, update on public.driver_documents to muster_definer;

-- A trigger's condition is checked as whoever writes.
grant execute on function muster.required_documents() to authenticated, service_role, muster_definer;
grant execute on function muster.expiring_documents_of_freight(date, date) to muster_definer;
grant execute on function muster.warn_of_expiring_driver_documents() to service_role, muster_jobs;

alter function muster.warn_of_expiring_driver_documents() owner to muster_definer;
alter function muster.tg_driver_documents__check_in_use() owner to muster_definer;
