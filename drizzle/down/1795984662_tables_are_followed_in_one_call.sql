drop trigger check_removal on public.shifts;
--> statement-breakpoint
drop function muster.tg_shifts__check_removal();
--> statement-breakpoint
drop function muster.follow_table(regclass,text,boolean,text[],text[]);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_soft_delete()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
begin
  if not muster.acts_for_caller() then
    return old;
  end if;
  case tg_table_name
    when 'shifts' then
      if old.status not in ('draft', 'published', 'cancelled') then
        perform muster.fail('invalid_transition', 'status');
      end if;
      update public.shifts s set deleted_at = now() where s.id = old.id;
    when 'locations' then
      update public.locations l set deleted_at = now() where l.id = old.id;
    when 'certificates' then
      update public.certificates c set deleted_at = now() where c.id = old.id;
  end case;
  return null;
end
$function$;
--> statement-breakpoint
comment on policy internal on muster.departed_rows is 'The security definer functions of realtime.sql.';
--> statement-breakpoint
comment on policy internal on muster.changed_callers is 'The security definer functions of realtime.sql.';
--> statement-breakpoint
comment on policy internal on muster.audiences is 'The security definer functions of realtime.sql.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982511_changes_by_audience';
