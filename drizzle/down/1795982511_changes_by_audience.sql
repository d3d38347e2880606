drop policy internal on muster.audiences;
--> statement-breakpoint
drop policy internal on muster.changed_callers;
--> statement-breakpoint
drop trigger note_caller_on_update on public.security_professionals;
--> statement-breakpoint
drop trigger note_caller on public.security_professionals;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
drop trigger note_caller on public.users;
--> statement-breakpoint
drop index muster.changed_callers_changed_at_idx;
--> statement-breakpoint
alter table muster.audiences drop constraint audiences_pkey;
--> statement-breakpoint
alter table muster.changed_callers drop constraint changed_callers_pkey;
--> statement-breakpoint
drop function muster.change_audiences(jsonb,bigint[],interval,xid8);
--> statement-breakpoint
drop function muster.has_audience(oid,name[]);
--> statement-breakpoint
drop function muster.declare_audiences();
--> statement-breakpoint
drop function muster.read_policies(oid);
--> statement-breakpoint
drop function muster.departures_for_caller(text,xid8,xid8,xid8,uuid,integer);
--> statement-breakpoint
drop function muster.forget_departed_rows();
--> statement-breakpoint
drop function muster.tg_note_caller();
--> statement-breakpoint
drop function muster.caller_audience();
--> statement-breakpoint
drop function muster.audiences_of(uuid[]);
--> statement-breakpoint
drop table muster.audiences;
--> statement-breakpoint
drop table muster.changed_callers;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.caller_audience()
 RETURNS text[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN array_remove(ARRAY[('admins:'::text || muster.admin_tenant_id()), ('company:'::text || muster.company_id()), CASE WHEN (muster.tenant_id() IS NOT NULL) THEN ('user:'::text || muster.user_id()) ELSE NULL::text END, ('client:'::text || muster.client_id()), ('professional:'::text || muster.professional_id()), ('guards:'::text || muster.guard_tenant_id())], NULL::text);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.forget_departed_rows()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH forgotten AS (
          DELETE FROM muster.departed_rows d
           WHERE (d.departed_at < (now() - '31 days'::interval))
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM forgotten;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.departures_for_caller(wanted text, after_xid xid8, before_xid xid8, position_xid xid8, position_id uuid, max_items integer)
 RETURNS TABLE(changed_xid xid8, row_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT d.changed_xid,
     d.row_id
    FROM muster.departed_rows d
   WHERE ((d.relation = departures_for_caller.wanted) AND (d.changed_xid >= departures_for_caller.after_xid) AND (d.changed_xid < departures_for_caller.before_xid) AND ((departures_for_caller.position_xid IS NULL) OR (ROW(d.changed_xid, d.row_id) > ROW(departures_for_caller.position_xid, departures_for_caller.position_id))) AND (d.audience && ( SELECT muster.caller_audience() AS caller_audience)))
   ORDER BY d.changed_xid, d.row_id
  LIMIT departures_for_caller.max_items;
END;
--> statement-breakpoint
alter function muster.departures_for_caller(text,xid8,xid8,xid8,uuid,integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.forget_departed_rows() owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.await_xids(bigint[],interval) from muster_definer;
--> statement-breakpoint
revoke select on table public.incidents from muster_definer;
--> statement-breakpoint
revoke select on table public.notifications from muster_definer;
--> statement-breakpoint
revoke execute on function muster.departures_for_caller(text,xid8,xid8,xid8,uuid,integer) from public;
--> statement-breakpoint
revoke execute on function muster.caller_audience() from public;
--> statement-breakpoint
revoke execute on function muster.forget_departed_rows() from public;
--> statement-breakpoint
grant execute on function muster.caller_audience() to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.departures_for_caller(text,xid8,xid8,xid8,uuid,integer) to authenticated;
--> statement-breakpoint
grant execute on function muster.forget_departed_rows() to service_role;
--> statement-breakpoint
comment on function muster.caller_audience() is 'The groups to which the caller belongs.';
--> statement-breakpoint
comment on function muster.forget_departed_rows() is 'Ends the retention of departed rows. For background work.';
--> statement-breakpoint
comment on function muster.departures_for_caller(text,xid8,xid8,xid8,uuid,integer) is 'Rows that left the caller''s view. Security definer: ids alone, and of nothing that the caller did not see.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982390_companies_learn_what_they_need';
