DROP TABLE "timesheet_lines";
--> statement-breakpoint
DROP TABLE "timesheet_steps";
--> statement-breakpoint
DROP TABLE "timesheets";
--> statement-breakpoint
DROP TABLE "allowances";
--> statement-breakpoint
DROP TABLE "muster"."public_holidays";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP CONSTRAINT "company_terms_overtime_tolerance_range";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP CONSTRAINT "company_terms_plan_tolerance_range";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP CONSTRAINT "company_terms_approve_after_range";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP CONSTRAINT "company_terms_dispute_range";
--> statement-breakpoint
ALTER TABLE "assignments" DROP COLUMN "overtime_tolerance_minutes";
--> statement-breakpoint
ALTER TABLE "assignments" DROP COLUMN "plan_tolerance_minutes";
--> statement-breakpoint
ALTER TABLE "assignments" DROP COLUMN "approve_after_days";
--> statement-breakpoint
ALTER TABLE "assignments" DROP COLUMN "dispute_days";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP COLUMN "overtime_tolerance_minutes";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP COLUMN "plan_tolerance_minutes";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP COLUMN "approve_after_days";
--> statement-breakpoint
ALTER TABLE "company_terms" DROP COLUMN "dispute_days";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008319_corrections';
