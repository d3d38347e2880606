-- Constraints and indexes that Drizzle cannot declare.

-- Half-open ranges: back-to-back shifts do not overlap. One that cannot be evaded, whatever path a write takes.
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conname = 'shifts_no_overlap') then
    alter table public.shifts add constraint shifts_no_overlap
      exclude using gist (professional_id with =, tstzrange(start_datetime, end_datetime) with &&)
      where (status in ('assigned', 'active') and deleted_at is null);
  end if;
end
$$;
comment on constraint shifts_no_overlap on public.shifts is
  'A professional works one shift at a time, across all companies.';
