-- How often companies were refused guards whom they do not know is counted.

CREATE TABLE "muster"."refused_assignments" (
	"company_id" uuid PRIMARY KEY NOT NULL,
	"refused_on" date NOT NULL,
	"refused" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "muster"."refused_assignments" ADD CONSTRAINT "refused_assignments_company_fk" FOREIGN KEY ("company_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795993336_refused_assignments';
