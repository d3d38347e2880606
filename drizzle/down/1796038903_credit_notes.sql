ALTER TABLE "statement_lines" DROP CONSTRAINT "statement_lines_settled_once";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_corrected_once";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_replaced_once";
--> statement-breakpoint
ALTER TABLE "statement_lines" DROP CONSTRAINT "statement_lines_turn_positive";
--> statement-breakpoint
ALTER TABLE "statement_lines" DROP CONSTRAINT "statement_lines_amount_sign";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_correction_takes_back";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_correction_explained";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_correction_reason_length";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_kind_by_sign";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_corrects_fk";
--> statement-breakpoint
ALTER TABLE "statements" DROP CONSTRAINT "statements_replaces_fk";
--> statement-breakpoint
DROP INDEX "statements_one_per_period";
--> statement-breakpoint
ALTER TABLE "statement_lines" DROP COLUMN "turn";
--> statement-breakpoint
ALTER TABLE "statements" DROP COLUMN "corrects_id";
--> statement-breakpoint
ALTER TABLE "statements" DROP COLUMN "correction_reason";
--> statement-breakpoint
ALTER TABLE "statements" DROP COLUMN "replaces_id";
--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_settled_once" UNIQUE("timesheet_line_id");
--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_one_per_period" UNIQUE("pay_period_id","professional_id");
--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_amount_sign" CHECK ("statement_lines"."amount" >= 0 or "statement_lines"."kind" = 'adjustment');
--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_kind_by_sign" CHECK (("statements"."kind" = 'credit_note') = ("statements"."gross" < 0));
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796031389_sign_in_rules';
