-- Credit notes. Statements and their lines get columns that are empty or constant everywhere; both tables are scanned once, and are locked
-- for as long as that takes.
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, require-concurrent-index-creation, disallowed-unique-constraint, prefer-bigint-over-smallint

ALTER TABLE "statement_lines" DROP CONSTRAINT "statement_lines_settled_once";--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_one_per_period";--> statement-breakpoint
ALTER TABLE "statement_lines" DROP CONSTRAINT "statement_lines_amount_sign";--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_kind_by_sign";--> statement-breakpoint
ALTER TABLE "statement_lines" ADD COLUMN "turn" smallint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "statements" ADD COLUMN "corrects_id" uuid;--> statement-breakpoint
ALTER TABLE "statements" ADD COLUMN "correction_reason" text;--> statement-breakpoint
ALTER TABLE "statements" ADD COLUMN "replaces_id" uuid;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_corrects_fk" FOREIGN KEY ("corrects_id","company_id","professional_id") REFERENCES "public"."statements"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_replaces_fk" FOREIGN KEY ("replaces_id","company_id","professional_id") REFERENCES "public"."statements"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "statements_one_per_period" ON "statements" USING btree ("pay_period_id","professional_id") WHERE "statements"."corrects_id" is null and "statements"."replaces_id" is null;--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_settled_once" UNIQUE("timesheet_line_id","turn");--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_corrected_once" UNIQUE("corrects_id","company_id","professional_id");--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_replaced_once" UNIQUE("replaces_id","company_id","professional_id");--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_turn_positive" CHECK ("statement_lines"."turn" > 0);--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_amount_sign" CHECK ("statement_lines"."kind" = 'adjustment' or case when "statement_lines"."turn" % 2 = 1 then "statement_lines"."amount" >= 0 else "statement_lines"."amount" <= 0 end);--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_correction_takes_back" CHECK ("statements"."corrects_id" is null or ("statements"."gross" <= 0 and "statements"."payable" = 0 and "statements"."replaces_id" is null));--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_correction_explained" CHECK (("statements"."corrects_id" is not null) = ("statements"."correction_reason" is not null));--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_correction_reason_length" CHECK (char_length("statements"."correction_reason") between 1 and 500);--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_kind_by_sign" CHECK (("statements"."kind" = 'credit_note') = ("statements"."gross" < 0 or "statements"."corrects_id" is not null));
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796038903_credit_notes';
