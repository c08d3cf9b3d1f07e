-- CIS, the customs information system (Reg. (EC) No 515/97, Arts. 23-41), as tables.
--
-- Unofficial: no layout of CIS or CIS+ is public. What stands here are the 178 items that the Annex of
-- Impl. Reg. (EU) 2016/346 lists, each once, in the categories of Art. 24 that its Art. 1 gives them;
-- items.csv says which column is which item. The Regulation gives neither data types nor code lists:
-- types, lengths, code values and which columns are NOT NULL are ours, to be replaced when the partner
-- hands over its own.
--
-- Load the case first, then its entries, then the sections. Numbers are numeric without scale, so that
-- no decimal is lost. A date with <name>_precision M or Y holds the first day of its month or year.

CREATE SCHEMA cis;

COMMENT ON SCHEMA cis IS
    'CIS, unofficial profile: the 178 items of Reg. (EU) 2016/346, Annex';

CREATE TABLE cis.case (
    case_reference              varchar(64) PRIMARY KEY,
    document_reference          varchar(128) NOT NULL,
    national_reference_number   varchar(64),
    summary                     varchar(4000) NOT NULL,
    service                     varchar(300) NOT NULL,
    contact_person              varchar(255),
    date_of_case                date NOT NULL,
    date_of_case_precision      char(1) CHECK (date_of_case_precision IN ('D', 'M', 'Y')),
    type_of_fraud               varchar(32) NOT NULL CHECK (type_of_fraud IN (
        'SMUGGLING', 'FALSE_DECLARATION', 'UNDERVALUATION', 'EXCISE_EVASION', 'COUNTERFEITING',
        'PROHIBITED_GOODS', 'LICENCE_BREACH', 'UNDECLARED_CASH', 'MONEY_LAUNDERING', 'OTHER', 'UNKNOWN')),
    report_type                 varchar(16) NOT NULL CHECK (report_type IN ('NEW', 'UPDATE', 'CANCEL')),
    means_of_transport          varchar(32) CHECK (means_of_transport IN (
        'CONTAINER', 'ROAD', 'SMALL_VESSEL', 'COMMERCIAL_VESSEL', 'RAIL', 'AIR', 'COURIER_POST', 'OTHER',
        'UNKNOWN')),
    information_quality         char(2) NOT NULL CHECK (information_quality IN (
        'A1', 'A2', 'A3', 'A4', 'B1', 'B2', 'B3', 'B4', 'C1', 'C2', 'C3', 'C4', 'X1', 'X2', 'X3', 'X4')),
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX case_updated_at ON cis.case (updated_at);
COMMENT ON TABLE cis.case IS 'The case: what is common to all categories of Art. 24 (Reg. (EU) 2016/346, Annex, 1)';
COMMENT ON COLUMN cis.case.case_reference IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: Case Identification Number [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.document_reference IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: Document Reference [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.national_reference_number IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: National Reference Number [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.summary IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: Summary [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.service IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: Service [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.contact_person IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: Contact Person [class=admin sensitivity=OFFICIAL_CONTACT cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.date_of_case IS
    'Reg. (EU) 2016/346, Annex, 1 CASE REFERENCE: Date [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 1"]';
COMMENT ON COLUMN cis.case.date_of_case_precision IS
    'How exact date_of_case is: D or nothing: to the day; M month and Y year, the first day of which stands [class=event sensitivity=NON_NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.case.type_of_fraud IS
    'Reg. (EU) 2016/346, Annex, 2 BASIC INFORMATION: Type of fraud [class=event sensitivity=NON_NOMINAL codes=cis_fraud_type cite="Reg. (EU) 2016/346, Annex, 2"]';
COMMENT ON COLUMN cis.case.report_type IS
    'Reg. (EU) 2016/346, Annex, 2 BASIC INFORMATION: Report type [class=admin sensitivity=NON_NOMINAL codes=cis_report_type cite="Reg. (EU) 2016/346, Annex, 2"]';
COMMENT ON COLUMN cis.case.means_of_transport IS
    'Reg. (EU) 2016/346, Annex, 2 BASIC INFORMATION: Means of transport [class=conveyance sensitivity=NON_NOMINAL codes=cis_transport cite="Reg. (EU) 2016/346, Annex, 2"]';
COMMENT ON COLUMN cis.case.information_quality IS
    'Reg. (EU) 2016/346, Annex, 2 BASIC INFORMATION: Information quality [class=admin sensitivity=NON_NOMINAL codes=cis_information_quality cite="Reg. (EU) 2016/346, Annex, 2"]';
COMMENT ON COLUMN cis.case.created_at IS
    'When the case was entered here; kept by the database [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.case.updated_at IS
    'When the case last changed; kept by the database, and moved by whoever changes a section [class=admin sensitivity=NON_NOMINAL]';

CREATE TABLE cis.entry (
    case_reference              varchar(64) NOT NULL REFERENCES cis.case ON DELETE CASCADE,
    category                    char(1) NOT NULL CHECK (category IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')),
    PRIMARY KEY (case_reference, category)
);
COMMENT ON TABLE cis.entry IS 'The categories of Art. 24 that the case is entered in; every other section hangs on one of them (Reg. (EC) No 515/97, Art. 24)';
COMMENT ON COLUMN cis.entry.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.entry.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, b, c, d, e, f, g, h [class=admin sensitivity=NON_NOMINAL codes=cis_category]';

CREATE TABLE cis.document (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a', 'b', 'c', 'd')),
    document_type               varchar(64),
    document_number             varchar(64),
    freight_payment             varchar(64),
    date_of_issue               date,
    date_of_issue_precision     char(1) CHECK (date_of_issue_precision IN ('D', 'M', 'Y')),
    place_of_issue              varchar(255),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE,
    CONSTRAINT document_date_of_issue_precise CHECK (date_of_issue IS NOT NULL OR date_of_issue_precision IS NULL)
);
COMMENT ON TABLE cis.document IS 'Documents (Reg. (EU) 2016/346, Annex, 3)';
COMMENT ON COLUMN cis.document.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.document.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.document.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, b, c, d [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.document.document_type IS
    'Reg. (EU) 2016/346, Annex, 3 DOCUMENTS: Type [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 3"]';
COMMENT ON COLUMN cis.document.document_number IS
    'Reg. (EU) 2016/346, Annex, 3 DOCUMENTS: Number [class=admin sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 3"]';
COMMENT ON COLUMN cis.document.freight_payment IS
    'Reg. (EU) 2016/346, Annex, 3 DOCUMENTS: Freight payment [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 3"]';
COMMENT ON COLUMN cis.document.date_of_issue IS
    'Reg. (EU) 2016/346, Annex, 3 DOCUMENTS: Date of issue [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 3"]';
COMMENT ON COLUMN cis.document.date_of_issue_precision IS
    'How exact date_of_issue is: D or nothing: to the day; M month and Y year, the first day of which stands [class=admin sensitivity=NON_NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.document.place_of_issue IS
    'Reg. (EU) 2016/346, Annex, 3 DOCUMENTS: Place of issue [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 3"]';

CREATE TABLE cis.person (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('d')),
    involvement                 varchar(32) CHECK (involvement IN (
        'SUSPECT', 'DRIVER', 'PASSENGER', 'CREW', 'CONSIGNOR', 'CONSIGNEE', 'DECLARANT', 'CARRIER', 'OWNER',
        'NOTIFY_PARTY', 'WITNESS', 'OTHER', 'UNKNOWN')),
    first_name                  varchar(100),
    surname                     varchar(100),
    maiden_name                 varchar(100),
    alias                       varchar(100),
    sex                         char(1) CHECK (sex IN ('M', 'F', 'U')),
    physical_characteristics    varchar(2000),
    place_of_birth              varchar(255),
    date_of_birth               date,
    date_of_birth_precision     char(1) CHECK (date_of_birth_precision IN ('D', 'M', 'Y')),
    nationality                 char(2) CHECK (nationality ~ '^[A-Z]{2}$' AND nationality NOT IN ('GR', 'GB')),
    street                      varchar(255),
    house_number                varchar(32),
    po_box                      varchar(32),
    postal_code                 varchar(32),
    city                        varchar(255),
    country                     char(2) CHECK (country ~ '^[A-Z]{2}$' AND country NOT IN ('GR', 'GB')),
    phone_mobile                varchar(64),
    fax_email                   varchar(255),
    identity_document_type      varchar(64),
    identity_document_number    varchar(64),
    identity_document_date      date,
    identity_document_date_precision char(1) CHECK (identity_document_date_precision IN ('D', 'M', 'Y')),
    identity_document_place     varchar(255),
    identity_document_country   char(2) CHECK (identity_document_country ~ '^[A-Z]{2}$' AND identity_document_country NOT IN (
        'GR', 'GB')),
    luggage_category            varchar(64),
    luggage_type                varchar(64),
    luggage_brand               varchar(255),
    luggage_tag_number          varchar(64),
    luggage_handling            varchar(255),
    ticket_date_of_purchase     date,
    ticket_date_of_purchase_precision char(1) CHECK (ticket_date_of_purchase_precision IN ('D', 'M', 'Y')),
    ticket_mode_of_payment      varchar(64),
    ticket_issued_in            char(2) CHECK (ticket_issued_in ~ '^[A-Z]{2}$' AND ticket_issued_in NOT IN (
        'GR', 'GB')),
    ticket_issued_by            varchar(255),
    ticket_start_of_travel      date,
    ticket_start_of_travel_precision char(1) CHECK (ticket_start_of_travel_precision IN ('D', 'M', 'Y')),
    ticket_duration_of_stay     integer CHECK (ticket_duration_of_stay >= 0),
    cash_declared               boolean,
    cash_intended_use           varchar(2000),
    cash_provenance             varchar(2000),
    cash_currency               char(3) CHECK (cash_currency ~ '^[A-Z]{3}$'),
    cash_type                   varchar(32) CHECK (cash_type IN (
        'CURRENCY', 'BEARER_INSTRUMENT', 'GOLD_COIN', 'BULLION', 'PREPAID_CARD')),
    cash_amount                 numeric CHECK (cash_amount > 0),
    cash_amount_eur             numeric CHECK (cash_amount_eur >= 0),
    warning                     varchar(16) CHECK (warning IN ('ARMED', 'VIOLENT', 'ESCAPED')),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE,
    CONSTRAINT person_date_of_birth_precise CHECK (date_of_birth IS NOT NULL OR date_of_birth_precision IS NULL),
    CONSTRAINT person_identity_document_date_precise CHECK (identity_document_date IS NOT NULL OR identity_document_date_precision IS NULL),
    CONSTRAINT person_ticket_date_of_purchase_precise CHECK (ticket_date_of_purchase IS NOT NULL OR ticket_date_of_purchase_precision IS NULL),
    CONSTRAINT person_ticket_start_of_travel_precise CHECK (ticket_start_of_travel IS NOT NULL OR ticket_start_of_travel_precision IS NULL)
);
COMMENT ON TABLE cis.person IS 'Persons, with identity papers, luggage, tickets and cash (Reg. (EU) 2016/346, Annex, 4)';
COMMENT ON COLUMN cis.person.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.person.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.person.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: d [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.person.involvement IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Involvement [class=person sensitivity=NOMINAL codes=cis_involvement cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.first_name IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: First Name [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.surname IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Surname [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.maiden_name IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Maiden Name [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.alias IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Alias [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.sex IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Sex [class=person sensitivity=NOMINAL codes=cis_sex cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.physical_characteristics IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Any particular and permanent physical characteristics [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.place_of_birth IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Place of Birth [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.date_of_birth IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Date of Birth [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.date_of_birth_precision IS
    'How exact date_of_birth is: D or nothing: to the day; M month and Y year, the first day of which stands [class=person sensitivity=NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.person.nationality IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity: Nationality [class=person sensitivity=NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.street IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: Street [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.house_number IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: Number [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.po_box IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: PO Box [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.postal_code IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: Postal Code [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.city IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: City [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.country IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: Country [class=person sensitivity=NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.phone_mobile IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: Phone/Mobile [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.fax_email IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Address: Fax/Email [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.identity_document_type IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity papers: Document type [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.identity_document_number IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity papers: Document number [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.identity_document_date IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity papers: Date of issue [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.identity_document_date_precision IS
    'How exact identity_document_date is: D or nothing: to the day; M month and Y year, the first day of which stands [class=person sensitivity=NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.person.identity_document_place IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity papers: Place of issue [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.identity_document_country IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Identity papers: Country [class=person sensitivity=NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.luggage_category IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Luggage: Category [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.luggage_type IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Luggage: Type [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.luggage_brand IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Luggage: Brand [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.luggage_tag_number IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Luggage: Tag number [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.luggage_handling IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Luggage: Handling [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.ticket_date_of_purchase IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Tickets: Date of purchase [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.ticket_date_of_purchase_precision IS
    'How exact ticket_date_of_purchase is: D or nothing: to the day; M month and Y year, the first day of which stands [class=person sensitivity=NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.person.ticket_mode_of_payment IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Tickets: Mode of payment [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.ticket_issued_in IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Tickets: Issued in (Country) [class=person sensitivity=NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.ticket_issued_by IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Tickets: Issued by [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.ticket_start_of_travel IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Tickets: Start travel [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.ticket_start_of_travel_precision IS
    'How exact ticket_start_of_travel is: D or nothing: to the day; M month and Y year, the first day of which stands [class=person sensitivity=NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.person.ticket_duration_of_stay IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Tickets: Duration of stay (days) [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_declared IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Declared [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_intended_use IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Intended use [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_provenance IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Provenance [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_currency IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Currency [class=person sensitivity=NOMINAL codes=iso_4217 cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_type IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Type of cash [class=person sensitivity=NOMINAL codes=cis_cash_type cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_amount IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Amount [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.cash_amount_eur IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS, Cash: Converted amount (EUR) [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 4"]';
COMMENT ON COLUMN cis.person.warning IS
    'Reg. (EU) 2016/346, Annex, 4 PERSONS: Warning [class=person sensitivity=NOMINAL codes=cis_warning cite="Reg. (EU) 2016/346, Annex, 4"]';

CREATE TABLE cis.business (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('c')),
    involvement                 varchar(32) CHECK (involvement IN (
        'SUSPECT', 'DRIVER', 'PASSENGER', 'CREW', 'CONSIGNOR', 'CONSIGNEE', 'DECLARANT', 'CARRIER', 'OWNER',
        'NOTIFY_PARTY', 'WITNESS', 'OTHER', 'UNKNOWN')),
    name                        varchar(255),
    trading_name                varchar(255),
    registration_type           varchar(64),
    registration_number         varchar(64),
    street                      varchar(255),
    house_number                varchar(32),
    po_box                      varchar(32),
    postal_code                 varchar(32),
    city                        varchar(255),
    country                     char(2) CHECK (country ~ '^[A-Z]{2}$' AND country NOT IN ('GR', 'GB')),
    phone_mobile                varchar(64),
    fax_email                   varchar(255),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.business IS 'Businesses; number and address only where no natural person becomes identifiable (Reg. (EU) 2016/346, Annex, 5)';
COMMENT ON COLUMN cis.business.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.business.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.business.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: c [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.business.involvement IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES: Involvement [class=business sensitivity=NON_NOMINAL codes=cis_involvement cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.name IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES: Name [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.trading_name IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES: Trading Name [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.registration_type IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES: Registration type [class=business sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.registration_number IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES: Registration number [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.street IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: Street [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.house_number IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: Number [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.po_box IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: PO Box [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.postal_code IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: Postal Code [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.city IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: City [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.country IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: Country [class=business sensitivity=QUASI_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.phone_mobile IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: Phone/Mobile [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';
COMMENT ON COLUMN cis.business.fax_email IS
    'Reg. (EU) 2016/346, Annex, 5 BUSINESSES, Address: Fax/Email [class=business sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 5"]';

CREATE TABLE cis.transport_container (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    container_number            varchar(2000),
    status                      varchar(64),
    seals_number                varchar(2000),
    size                        varchar(32),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_container IS 'Means of transport: containers (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_container.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_container.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_container.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_container.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.1 Container: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.1"]';
COMMENT ON COLUMN cis.transport_container.container_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.1 Container: Number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.1"]';
COMMENT ON COLUMN cis.transport_container.status IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.1 Container: Status [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.1"]';
COMMENT ON COLUMN cis.transport_container.seals_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.1 Container: Seals Number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.1"]';
COMMENT ON COLUMN cis.transport_container.size IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.1 Container: Size [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.1"]';

CREATE TABLE cis.transport_road (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    registration_type           varchar(64),
    nationality                 char(2) CHECK (nationality ~ '^[A-Z]{2}$' AND nationality NOT IN ('GR', 'GB')),
    brand                       varchar(255),
    license_plate               varchar(32),
    colour                      varchar(64),
    printed_names_or_logos      varchar(255),
    seals_number                varchar(2000),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_road IS 'Means of transport: road vehicles (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_road.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_road.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_road.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_road.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.registration_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Registration type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.nationality IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Nationality [class=conveyance sensitivity=NON_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.brand IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Brand [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.license_plate IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: License Plate [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.colour IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Colour [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.printed_names_or_logos IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Printed Names or Logos [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';
COMMENT ON COLUMN cis.transport_road.seals_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.2 Road: Seals number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.2"]';

CREATE TABLE cis.transport_small_vessel (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    name                        varchar(255),
    flag                        char(2) CHECK (flag ~ '^[A-Z]{2}$' AND flag NOT IN ('GR', 'GB')),
    port_of_registry            varchar(255),
    length                      numeric CHECK (length > 0),
    unit_of_length              varchar(3) CHECK (unit_of_length ~ '^[A-Z0-9]{2,3}$'),
    tonnage                     numeric CHECK (tonnage > 0),
    colour                      varchar(64),
    registration_type           varchar(64),
    registration_number         varchar(64),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_small_vessel IS 'Means of transport: small vessels (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_small_vessel.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_small_vessel.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_small_vessel.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_small_vessel.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.name IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Name [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.flag IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Flag [class=conveyance sensitivity=NON_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.port_of_registry IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Port of registry [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.length IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Length [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.unit_of_length IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Unit of length [class=conveyance sensitivity=NON_NOMINAL codes=unece_rec20 cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.tonnage IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Tonnage ICT GT [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.colour IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Colour [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.registration_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Vessel Registration type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';
COMMENT ON COLUMN cis.transport_small_vessel.registration_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.3 Small vessel: Vessel Registration Number [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.3"]';

CREATE TABLE cis.transport_commercial_vessel (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    name                        varchar(255),
    flag                        char(2) CHECK (flag ~ '^[A-Z]{2}$' AND flag NOT IN ('GR', 'GB')),
    registration_type           varchar(64),
    registration_number         varchar(64),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_commercial_vessel IS 'Means of transport: commercial vessels (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_commercial_vessel.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_commercial_vessel.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_commercial_vessel.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_commercial_vessel.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.4 Commercial vessel: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.4"]';
COMMENT ON COLUMN cis.transport_commercial_vessel.name IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.4 Commercial vessel: Name [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.4"]';
COMMENT ON COLUMN cis.transport_commercial_vessel.flag IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.4 Commercial vessel: Flag [class=conveyance sensitivity=NON_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 6.4"]';
COMMENT ON COLUMN cis.transport_commercial_vessel.registration_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.4 Commercial vessel: Vessel Registration Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.4"]';
COMMENT ON COLUMN cis.transport_commercial_vessel.registration_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.4 Commercial vessel: Vessel Registration Number [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.4"]';

CREATE TABLE cis.transport_rail (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    train_number                varchar(32),
    company                     varchar(255),
    nationality                 char(2) CHECK (nationality ~ '^[A-Z]{2}$' AND nationality NOT IN ('GR', 'GB')),
    wagon_number                varchar(64),
    seals_number                varchar(2000),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_rail IS 'Means of transport: rail (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_rail.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_rail.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_rail.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_rail.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.5 Rail: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.5"]';
COMMENT ON COLUMN cis.transport_rail.train_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.5 Rail: Train Number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.5"]';
COMMENT ON COLUMN cis.transport_rail.company IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.5 Rail: Company [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.5"]';
COMMENT ON COLUMN cis.transport_rail.nationality IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.5 Rail: Nationality [class=conveyance sensitivity=NON_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 6.5"]';
COMMENT ON COLUMN cis.transport_rail.wagon_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.5 Rail: Wagon Number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.5"]';
COMMENT ON COLUMN cis.transport_rail.seals_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.5 Rail: Seals number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.5"]';

CREATE TABLE cis.transport_air (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    flight_number               varchar(32),
    air_transport_type          varchar(64),
    airline                     varchar(255),
    registration_number         varchar(64),
    carrier                     varchar(255),
    license_plate               varchar(32),
    mrn                         varchar(18),
    handling                    varchar(255),
    seals_number                varchar(2000),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_air IS 'Means of transport: air (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_air.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_air.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_air.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_air.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.flight_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Flight Nr [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.air_transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Transport type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.airline IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Airline [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.registration_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Registration number [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.carrier IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Carrier [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.license_plate IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: License plate [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.mrn IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: MRN [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.handling IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Handling [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';
COMMENT ON COLUMN cis.transport_air.seals_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.6 Air: Seals number [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.6"]';

CREATE TABLE cis.transport_courier_post (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    transport_type              varchar(64),
    flight_number               varchar(32),
    carrier                     varchar(255),
    license_plate               varchar(32),
    mrn                         varchar(18),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.transport_courier_post IS 'Means of transport: courier and post (Reg. (EU) 2016/346, Annex, 6)';
COMMENT ON COLUMN cis.transport_courier_post.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_courier_post.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.transport_courier_post.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.transport_courier_post.transport_type IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.7 Courier-Post: Type [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.7"]';
COMMENT ON COLUMN cis.transport_courier_post.flight_number IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.7 Courier-Post: Flight Nr [class=conveyance sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.7"]';
COMMENT ON COLUMN cis.transport_courier_post.carrier IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.7 Courier-Post: Carrier [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.7"]';
COMMENT ON COLUMN cis.transport_courier_post.license_plate IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.7 Courier-Post: License plate [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.7"]';
COMMENT ON COLUMN cis.transport_courier_post.mrn IS
    'Reg. (EU) 2016/346, Annex, 6 MEANS OF TRANSPORT, 6.7 Courier-Post: MRN [class=conveyance sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 6.7"]';

CREATE TABLE cis.routing (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('b')),
    step                        integer NOT NULL CHECK (step >= 1),
    date_of_step                date,
    date_of_step_precision      char(1) CHECK (date_of_step_precision IN ('D', 'M', 'Y')),
    country                     char(2) CHECK (country ~ '^[A-Z]{2}$' AND country NOT IN ('GR', 'GB')),
    place                       varchar(255),
    location_type               varchar(32) CHECK (location_type IN (
        'AIRPORT', 'SEAPORT', 'RIVER_PORT', 'LAND_BORDER', 'GREEN_BORDER', 'RAIL_TERMINAL', 'MAIL_CENTRE',
        'COURIER_HUB', 'FREE_ZONE', 'WAREHOUSE', 'INLAND', 'AT_SEA', 'PREMISES', 'OTHER', 'UNKNOWN')),
    latitude                    numeric CHECK (latitude BETWEEN -90 AND 90),
    longitude                   numeric CHECK (longitude BETWEEN -180 AND 180),
    means_of_transport          varchar(32) CHECK (means_of_transport IN (
        'CONTAINER', 'ROAD', 'SMALL_VESSEL', 'COMMERCIAL_VESSEL', 'RAIL', 'AIR', 'COURIER_POST', 'OTHER',
        'UNKNOWN')),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE,
    CONSTRAINT routing_date_of_step_precise CHECK (date_of_step IS NOT NULL OR date_of_step_precision IS NULL)
);
COMMENT ON TABLE cis.routing IS 'Routing, in the order of the steps (Reg. (EU) 2016/346, Annex, 7)';
COMMENT ON COLUMN cis.routing.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.routing.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.routing.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: b [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.routing.step IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Step [class=route sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.date_of_step IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Date [class=route sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.date_of_step_precision IS
    'How exact date_of_step is: D or nothing: to the day; M month and Y year, the first day of which stands [class=route sensitivity=NON_NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.routing.country IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Country [class=route sensitivity=NON_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.place IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Place [class=route sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.location_type IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Location Type [class=route sensitivity=NON_NOMINAL codes=cis_location_type cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.latitude IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Latitude [class=route sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.longitude IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Longitude [class=route sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 7"]';
COMMENT ON COLUMN cis.routing.means_of_transport IS
    'Reg. (EU) 2016/346, Annex, 7 ROUTING: Means of Transport [class=route sensitivity=NON_NOMINAL codes=cis_transport cite="Reg. (EU) 2016/346, Annex, 7"]';

CREATE TABLE cis.commodity (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a')),
    commodity_status            varchar(64),
    commodity_type              varchar(64),
    description                 varchar(500),
    commodity_category          varchar(32) NOT NULL CHECK (commodity_category IN (
        'DRUGS', 'PRECURSORS', 'TOBACCO', 'ALCOHOL', 'EXCISE', 'WILDLIFE', 'WASTE', 'COUNTERFEIT',
        'MEDICINES', 'WEAPONS', 'STRATEGIC', 'CASH', 'CULTURAL', 'OTHER')),
    hs_cn_taric_code            varchar(10) CHECK (hs_cn_taric_code ~ '^([0-9]{6}|[0-9]{8}|[0-9]{10})$'),
    customs_procedure           varchar(32),
    total_amount_invoiced       numeric CHECK (total_amount_invoiced >= 0),
    currency                    char(3) CHECK (currency ~ '^[A-Z]{3}$'),
    converted_amount_eur        numeric CHECK (converted_amount_eur >= 0),
    brand                       varchar(255),
    manufacturer                varchar(255),
    quantity                    numeric CHECK (quantity > 0),
    unit                        varchar(3) CHECK (unit ~ '^[A-Z0-9]{2,3}$'),
    gross_weight                numeric CHECK (gross_weight >= 0),
    volume                      numeric CHECK (volume >= 0),
    net_weight                  numeric CHECK (net_weight >= 0),
    labels_warnings             varchar(500),
    warning                     varchar(500),
    tobacco_product_type        varchar(64),
    precursor_drug_type         varchar(255),
    precursor_quantity          numeric CHECK (precursor_quantity > 0),
    precursor_unit              varchar(3) CHECK (precursor_unit ~ '^[A-Z0-9]{2,3}$'),
    precursor_logos             varchar(255),
    cash_intended_use           varchar(2000),
    cash_provenance             varchar(2000),
    cash_amount                 numeric CHECK (cash_amount > 0),
    cash_type                   varchar(32) CHECK (cash_type IN (
        'CURRENCY', 'BEARER_INSTRUMENT', 'GOLD_COIN', 'BULLION', 'PREPAID_CARD')),
    cash_quantity               numeric CHECK (cash_quantity > 0),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.commodity IS 'Commodities, with what tobacco, drug precursors and cash add (Reg. (EU) 2016/346, Annex, 8)';
COMMENT ON COLUMN cis.commodity.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.commodity.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.commodity.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.commodity.commodity_status IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Commodity Status [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.commodity_type IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Commodity Type [class=goods sensitivity=NON_NOMINAL codes=commodity_type cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.description IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Description [class=goods sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.commodity_category IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Category [class=goods sensitivity=NON_NOMINAL codes=cis_commodity_category cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.hs_cn_taric_code IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: HS/CN/Taric Code (6, 8, 10 Digits) [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.customs_procedure IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Customs Procedure [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.total_amount_invoiced IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Total Amount Invoiced [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.currency IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Currency [class=goods sensitivity=NON_NOMINAL codes=iso_4217 cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.converted_amount_eur IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Converted amount (EUR) [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.brand IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Brand [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.manufacturer IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Manufacturer [class=goods sensitivity=QUASI_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.quantity IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Quantity [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.unit IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Unit [class=goods sensitivity=NON_NOMINAL codes=unece_rec20 cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.gross_weight IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Gross weight [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.volume IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Volume [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.net_weight IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Net weight [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.labels_warnings IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Labels/Warnings (Affixed) [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.warning IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES: Warning [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.tobacco_product_type IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Tobacco: Product Type [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.precursor_drug_type IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Drug precursors: Drug Type [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.precursor_quantity IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Drug precursors: Quantity [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.precursor_unit IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Drug precursors: Unit [class=goods sensitivity=NON_NOMINAL codes=unece_rec20 cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.precursor_logos IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Drug precursors: Logos [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.cash_intended_use IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Cash: Intended Use [class=goods sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.cash_provenance IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Cash: Provenance [class=goods sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.cash_amount IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Cash: Amount [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.cash_type IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Cash: Types of Cash [class=goods sensitivity=NON_NOMINAL codes=cis_cash_type cite="Reg. (EU) 2016/346, Annex, 8"]';
COMMENT ON COLUMN cis.commodity.cash_quantity IS
    'Reg. (EU) 2016/346, Annex, 8 COMMODITIES, Cash: Quantity [class=goods sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 8"]';

CREATE TABLE cis.seizure (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a', 'g', 'h')),
    status                      varchar(16) CHECK (status IN ('DETAINED', 'SEIZED', 'CONFISCATED')),
    date_of_seizure             date NOT NULL,
    date_of_seizure_precision   char(1) CHECK (date_of_seizure_precision IN ('D', 'M', 'Y')),
    country                     char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$' AND country NOT IN ('GR', 'GB')),
    location_type               varchar(32) CHECK (location_type IN (
        'AIRPORT', 'SEAPORT', 'RIVER_PORT', 'LAND_BORDER', 'GREEN_BORDER', 'RAIL_TERMINAL', 'MAIL_CENTRE',
        'COURIER_HUB', 'FREE_ZONE', 'WAREHOUSE', 'INLAND', 'AT_SEA', 'PREMISES', 'OTHER', 'UNKNOWN')),
    place_of_seizure            varchar(255),
    latitude                    numeric CHECK (latitude BETWEEN -90 AND 90),
    longitude                   numeric CHECK (longitude BETWEEN -180 AND 180),
    modus_operandi              varchar(2000),
    concealment_type            varchar(32) CHECK (concealment_type IN (
        'IN_LOAD', 'COVER_LOAD', 'CONTAINER_STRUCTURE', 'VEHICLE_STRUCTURE', 'VESSEL_STRUCTURE',
        'AIRCRAFT_STRUCTURE', 'LUGGAGE', 'ON_BODY', 'IN_BODY', 'MAIL_ITEM', 'FALSE_DOCUMENT', 'MISDECLARED',
        'RIP_ON_RIP_OFF', 'NOT_CONCEALED', 'OTHER', 'UNKNOWN')),
    concealment_details         varchar(2000),
    service                     varchar(300),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.seizure IS 'Seizure, detention or confiscation (Reg. (EU) 2016/346, Annex, 9)';
COMMENT ON COLUMN cis.seizure.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.seizure.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.seizure.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, g, h [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.seizure.status IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Status [class=event sensitivity=NON_NOMINAL codes=cis_seizure_status cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.date_of_seizure IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Date [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.date_of_seizure_precision IS
    'How exact date_of_seizure is: D or nothing: to the day; M month and Y year, the first day of which stands [class=event sensitivity=NON_NOMINAL codes=cis_precision]';
COMMENT ON COLUMN cis.seizure.country IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Country [class=event sensitivity=NON_NOMINAL codes=cis_country cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.location_type IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Location Type [class=event sensitivity=NON_NOMINAL codes=cis_location_type cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.place_of_seizure IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Place of Seizure [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.latitude IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Latitude [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.longitude IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Longitude [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.modus_operandi IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Modus Operandi [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.concealment_type IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Concealment Type [class=event sensitivity=NON_NOMINAL codes=cis_concealment cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.concealment_details IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Concealment Details [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 9"]';
COMMENT ON COLUMN cis.seizure.service IS
    'Reg. (EU) 2016/346, Annex, 9 SEIZURE/DETENTION/CONFISCATION: Service [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 9"]';

CREATE TABLE cis.action (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a', 'b', 'c', 'd', 'g', 'h')),
    requested_action            varchar(32) CHECK (requested_action IN (
        'SIGHTING_REPORTING', 'DISCREET_SURVEILLANCE', 'SPECIFIC_CHECKS', 'OPERATIONAL_ANALYSIS')),
    reason_for_action           varchar(2000),
    suspected_modus_operandi    varchar(2000),
    suspected_concealment_type  varchar(32) CHECK (suspected_concealment_type IN (
        'IN_LOAD', 'COVER_LOAD', 'CONTAINER_STRUCTURE', 'VEHICLE_STRUCTURE', 'VESSEL_STRUCTURE',
        'AIRCRAFT_STRUCTURE', 'LUGGAGE', 'ON_BODY', 'IN_BODY', 'MAIL_ITEM', 'FALSE_DOCUMENT', 'MISDECLARED',
        'RIP_ON_RIP_OFF', 'NOT_CONCEALED', 'OTHER', 'UNKNOWN')),
    taken_action                varchar(2000),
    date_of_action              date,
    date_of_action_precision    char(1) CHECK (date_of_action_precision IN ('D', 'M', 'Y')),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE,
    CONSTRAINT action_date_of_action_precise CHECK (date_of_action IS NOT NULL OR date_of_action_precision IS NULL)
);
COMMENT ON TABLE cis.action IS 'Actions requested and taken (Reg. (EU) 2016/346, Annex, 10)';
COMMENT ON COLUMN cis.action.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.action.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.action.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, b, c, d, g, h [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.action.requested_action IS
    'Reg. (EU) 2016/346, Annex, 10 ACTION: Requested action [class=person sensitivity=NON_NOMINAL codes=cis_requested_action cite="Reg. (EU) 2016/346, Annex, 10"]';
COMMENT ON COLUMN cis.action.reason_for_action IS
    'Reg. (EU) 2016/346, Annex, 10 ACTION: Reason for action [class=person sensitivity=NOMINAL cite="Reg. (EU) 2016/346, Annex, 10"]';
COMMENT ON COLUMN cis.action.suspected_modus_operandi IS
    'Reg. (EU) 2016/346, Annex, 10 ACTION: Suspected Modus Operandi [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 10"]';
COMMENT ON COLUMN cis.action.suspected_concealment_type IS
    'Reg. (EU) 2016/346, Annex, 10 ACTION: Suspected Concealment Type [class=event sensitivity=NON_NOMINAL codes=cis_concealment cite="Reg. (EU) 2016/346, Annex, 10"]';
COMMENT ON COLUMN cis.action.taken_action IS
    'Reg. (EU) 2016/346, Annex, 10 ACTION: Taken Action [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 10"]';
COMMENT ON COLUMN cis.action.date_of_action IS
    'Reg. (EU) 2016/346, Annex, 10 ACTION: Date [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 10"]';
COMMENT ON COLUMN cis.action.date_of_action_precision IS
    'How exact date_of_action is: D or nothing: to the day; M month and Y year, the first day of which stands [class=event sensitivity=NON_NOMINAL codes=cis_precision]';

CREATE TABLE cis.risk_indicator (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a', 'b', 'c', 'd', 'e', 'g', 'h')),
    risk_indicator              varchar(2000) NOT NULL,
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.risk_indicator IS 'Risk indicators (Reg. (EU) 2016/346, Annex, 11)';
COMMENT ON COLUMN cis.risk_indicator.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.risk_indicator.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.risk_indicator.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, b, c, d, e, g, h [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.risk_indicator.risk_indicator IS
    'Reg. (EU) 2016/346, Annex, 11 RISK INDICATORS: Risk indicators [class=event sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 11"]';

CREATE TABLE cis.comment (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a', 'b', 'c', 'd')),
    comment                     varchar(4200) NOT NULL,
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.comment IS 'Comments (Reg. (EU) 2016/346, Annex, 12)';
COMMENT ON COLUMN cis.comment.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.comment.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.comment.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, b, c, d [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.comment.comment IS
    'Reg. (EU) 2016/346, Annex, 12 COMMENT: Comment [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 12"]';

CREATE TABLE cis.attachment (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')),
    reference                   varchar(255) NOT NULL,
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.attachment IS 'Attachments: references only, never their content (Reg. (EU) 2016/346, Annex, 13)';
COMMENT ON COLUMN cis.attachment.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.attachment.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.attachment.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: a, b, c, d, e, f, g, h [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.attachment.reference IS
    'Reg. (EU) 2016/346, Annex, 13 ATTACHMENT: Reference [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 13"]';

CREATE TABLE cis.fraud_trend (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('e')),
    specifics                   varchar(4000) NOT NULL,
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.fraud_trend IS 'Fraud trends; no personal data at all (Reg. (EC) No 515/97, Art. 25) (Reg. (EU) 2016/346, Annex, 14)';
COMMENT ON COLUMN cis.fraud_trend.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.fraud_trend.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.fraud_trend.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: e [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.fraud_trend.specifics IS
    'Reg. (EU) 2016/346, Annex, 14 FRAUD TRENDS: Specifics of the trend [class=free_text sensitivity=FREE_TEXT cite="Reg. (EU) 2016/346, Annex, 14"]';

CREATE TABLE cis.expertise (
    case_reference              varchar(64) NOT NULL,
    entry_no                    integer NOT NULL CHECK (entry_no >= 1),
    category                    char(1) NOT NULL CHECK (category IN ('f')),
    expert_name                 varchar(255),
    field_of_expertise          varchar(255),
    PRIMARY KEY (case_reference, entry_no),
    FOREIGN KEY (case_reference, category) REFERENCES cis.entry ON DELETE CASCADE
);
COMMENT ON TABLE cis.expertise IS 'Expertise available; of a person no more than surname and forenames (Reg. (EU) 2016/346, Annex, 15)';
COMMENT ON COLUMN cis.expertise.case_reference IS
    'Key: the case [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.expertise.entry_no IS
    'Key: place among the rows of this section in the case, from 1 [class=admin sensitivity=NON_NOMINAL]';
COMMENT ON COLUMN cis.expertise.category IS
    'Reg. (EC) No 515/97, Art. 24: the category the section is entered in; allowed here: f [class=admin sensitivity=NON_NOMINAL codes=cis_category]';
COMMENT ON COLUMN cis.expertise.expert_name IS
    'Reg. (EU) 2016/346, Annex, 15 EXPERTISE: Expert surname and forenames only; field of expertise [class=admin sensitivity=OFFICIAL_CONTACT cite="Reg. (EU) 2016/346, Annex, 15"]';
COMMENT ON COLUMN cis.expertise.field_of_expertise IS
    'Reg. (EU) 2016/346, Annex, 15 EXPERTISE: Expert surname and forenames only; field of expertise [class=admin sensitivity=NON_NOMINAL cite="Reg. (EU) 2016/346, Annex, 15"]';

-- updated_at tells a reader of this database what changed. It moves with every change of the case; whoever changes a
-- section alone says so: UPDATE cis.case SET updated_at = now() WHERE case_reference = ...

CREATE FUNCTION cis.stamp_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER case_stamp BEFORE UPDATE ON cis.case
    FOR EACH ROW EXECUTE FUNCTION cis.stamp_case();
