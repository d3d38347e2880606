-- How much companies ask about guards in a day is counted.

CREATE TABLE "muster"."candidate_pages" (
	"company_id" uuid PRIMARY KEY NOT NULL,
	"asked_on" date NOT NULL,
	"pages" bigint[] NOT NULL
);
--> statement-breakpoint
ALTER TABLE "muster"."candidate_pages" ADD CONSTRAINT "candidate_pages_company_fk" FOREIGN KEY ("company_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982359_candidate_pages';
