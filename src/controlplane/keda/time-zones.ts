import { madeOnce } from "../../model/made-once.ts";
import { type Zone, zoneOf } from "./posix-zone.ts";

/** The rule of each zone as a POSIX TZ string, and the names that go by it. */
const RULES = `
STD-1
  Africa/Algiers Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos Africa/Libreville
  Africa/Luanda Africa/Malabo Africa/Ndjamena Africa/Niamey Africa/Porto-Novo Africa/Tunis Etc/GMT-1
STD-10
  Antarctica/DumontDUrville Asia/Ust-Nera Asia/Vladivostok Australia/Brisbane Australia/Lindeman
  Australia/Queensland Etc/GMT-10 Pacific/Chuuk Pacific/Guam Pacific/Port_Moresby Pacific/Saipan Pacific/Truk
  Pacific/Yap
STD-10:30DST-11,M10.1.0,M4.1.0
  Australia/LHI Australia/Lord_Howe
STD-10DST,M10.1.0,M4.1.0/3
  Antarctica/Macquarie Australia/ACT Australia/Canberra Australia/Currie Australia/Hobart Australia/Melbourne
  Australia/NSW Australia/Sydney Australia/Tasmania Australia/Victoria
STD-11
  Asia/Magadan Asia/Sakhalin Asia/Srednekolymsk Etc/GMT-11 Pacific/Bougainville Pacific/Efate Pacific/Guadalcanal
  Pacific/Kosrae Pacific/Noumea Pacific/Pohnpei Pacific/Ponape
STD-11DST,M10.1.0,M4.1.0/3
  Pacific/Norfolk
STD-12
  Asia/Anadyr Asia/Kamchatka Etc/GMT-12 Kwajalein Pacific/Fiji Pacific/Funafuti Pacific/Kwajalein Pacific/Majuro
  Pacific/Nauru Pacific/Tarawa Pacific/Wake Pacific/Wallis
STD-12:45DST,M9.5.0/2:45,M4.1.0/3:45
  NZ-CHAT Pacific/Chatham
STD-12DST,M9.5.0,M4.1.0/3
  Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland
STD-13
  Etc/GMT-13 Pacific/Apia Pacific/Enderbury Pacific/Fakaofo Pacific/Kanton Pacific/Tongatapu
STD-14
  Etc/GMT-14 Pacific/Kiritimati
STD-1DST,M3.5.0,M10.5.0/3
  Africa/Ceuta Arctic/Longyearbyen Atlantic/Jan_Mayen CET Europe/Amsterdam Europe/Andorra Europe/Belgrade
  Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest Europe/Busingen Europe/Copenhagen Europe/Gibraltar
  Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris
  Europe/Podgorica Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm
  Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich MET Poland
STD-1DST0,M10.5.0,M3.5.0/1
  Eire Europe/Dublin
STD-2
  Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Johannesburg Africa/Juba Africa/Khartoum
  Africa/Kigali Africa/Lubumbashi Africa/Lusaka Africa/Maputo Africa/Maseru Africa/Mbabane Africa/Tripoli
  Africa/Windhoek Etc/GMT-2 Europe/Kaliningrad Libya
STD-2DST,M3.4.4/26,M10.5.0
  Asia/Jerusalem Asia/Tel_Aviv Israel
STD-2DST,M3.5.0,M10.5.0/3
  Europe/Chisinau Europe/Tiraspol
STD-2DST,M3.5.0/0,M10.5.0/0
  Asia/Beirut
STD-2DST,M3.5.0/3,M10.5.0/4
  Asia/Famagusta Asia/Nicosia EET Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kiev Europe/Kyiv
  Europe/Mariehamn Europe/Nicosia Europe/Riga Europe/Sofia Europe/Tallinn Europe/Uzhgorod Europe/Vilnius
  Europe/Zaporozhye
STD-2DST,M4.5.5/0,M10.5.4/24
  Africa/Cairo Egypt
STD-3
  Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala
  Africa/Mogadishu Africa/Nairobi Antarctica/Syowa Asia/Aden Asia/Amman Asia/Baghdad Asia/Bahrain Asia/Damascus
  Asia/Istanbul Asia/Kuwait Asia/Qatar Asia/Riyadh Etc/GMT-3 Europe/Istanbul Europe/Kirov Europe/Minsk Europe/Moscow
  Europe/Simferopol Europe/Volgograd Indian/Antananarivo Indian/Comoro Indian/Mayotte Turkey W-SU
STD-3:30
  Asia/Tehran Iran
STD-4
  Asia/Baku Asia/Dubai Asia/Muscat Asia/Tbilisi Asia/Yerevan Etc/GMT-4 Europe/Astrakhan Europe/Samara Europe/Saratov
  Europe/Ulyanovsk Indian/Mahe Indian/Mauritius Indian/Reunion
STD-4:30
  Asia/Kabul
STD-5
  Antarctica/Mawson Antarctica/Vostok Asia/Almaty Asia/Aqtau Asia/Aqtobe Asia/Ashgabat Asia/Ashkhabad Asia/Atyrau
  Asia/Dushanbe Asia/Karachi Asia/Oral Asia/Qostanay Asia/Qyzylorda Asia/Samarkand Asia/Tashkent Asia/Yekaterinburg
  Etc/GMT-5 Indian/Kerguelen Indian/Maldives
STD-5:30
  Asia/Calcutta Asia/Colombo Asia/Kolkata
STD-5:45
  Asia/Kathmandu Asia/Katmandu
STD-6
  Asia/Bishkek Asia/Dacca Asia/Dhaka Asia/Kashgar Asia/Omsk Asia/Thimbu Asia/Thimphu Asia/Urumqi Etc/GMT-6
  Indian/Chagos
STD-6:30
  Asia/Rangoon Asia/Yangon Indian/Cocos
STD-7
  Antarctica/Davis Asia/Bangkok Asia/Barnaul Asia/Ho_Chi_Minh Asia/Hovd Asia/Jakarta Asia/Krasnoyarsk
  Asia/Novokuznetsk Asia/Novosibirsk Asia/Phnom_Penh Asia/Pontianak Asia/Saigon Asia/Tomsk Asia/Vientiane Etc/GMT-7
  Indian/Christmas
STD-8
  Antarctica/Casey Asia/Brunei Asia/Choibalsan Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Hong_Kong Asia/Irkutsk
  Asia/Kuala_Lumpur Asia/Kuching Asia/Macao Asia/Macau Asia/Makassar Asia/Manila Asia/Shanghai Asia/Singapore
  Asia/Taipei Asia/Ujung_Pandang Asia/Ulaanbaatar Asia/Ulan_Bator Australia/Perth Australia/West Etc/GMT-8 Hongkong
  PRC ROC Singapore
STD-8:45
  Australia/Eucla
STD-9
  Asia/Chita Asia/Dili Asia/Jayapura Asia/Khandyga Asia/Pyongyang Asia/Seoul Asia/Tokyo Asia/Yakutsk Etc/GMT-9 Japan
  Pacific/Palau ROK
STD-9:30
  Australia/Darwin Australia/North
STD-9:30DST,M10.1.0,M4.1.0/3
  Australia/Adelaide Australia/Broken_Hill Australia/South Australia/Yancowinna
STD0
  Africa/Abidjan Africa/Accra Africa/Bamako Africa/Banjul Africa/Bissau Africa/Conakry Africa/Dakar Africa/Freetown
  Africa/Lome Africa/Monrovia Africa/Nouakchott Africa/Ouagadougou Africa/Sao_Tome Africa/Timbuktu
  America/Danmarkshavn Atlantic/Reykjavik Atlantic/St_Helena Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich
  Etc/UCT Etc/UTC Etc/Universal Etc/Zulu GMT GMT+0 GMT-0 GMT0 Greenwich Iceland UCT UTC Universal Zulu
STD0DST,M3.5.0/1,M10.5.0
  Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira Europe/Belfast Europe/Guernsey Europe/Isle_of_Man
  Europe/Jersey Europe/Lisbon Europe/London GB GB-Eire Portugal WET
STD0DST-2,M3.5.0/1,M10.5.0/3
  Antarctica/Troll
STD1
  Atlantic/Cape_Verde Etc/GMT+1
STD10
  Etc/GMT+10 HST Pacific/Honolulu Pacific/Johnston Pacific/Rarotonga Pacific/Tahiti US/Hawaii
STD10DST,M3.2.0,M11.1.0
  America/Adak America/Atka US/Aleutian
STD11
  Etc/GMT+11 Pacific/Midway Pacific/Niue Pacific/Pago_Pago Pacific/Samoa US/Samoa
STD12
  Etc/GMT+12
STD1DST,M3.5.0/0,M10.5.0/1
  Atlantic/Azores
STD2
  America/Noronha Atlantic/South_Georgia Brazil/DeNoronha Etc/GMT+2
STD2DST,M3.5.0/-1,M10.5.0/0
  America/Godthab America/Nuuk America/Scoresbysund
STD3
  America/Araguaina America/Argentina/Buenos_Aires America/Argentina/Catamarca America/Argentina/ComodRivadavia
  America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza
  America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan America/Argentina/San_Luis
  America/Argentina/Tucuman America/Argentina/Ushuaia America/Asuncion America/Bahia America/Belem
  America/Buenos_Aires America/Catamarca America/Cayenne America/Cordoba America/Coyhaique America/Fortaleza
  America/Jujuy America/Maceio America/Mendoza America/Montevideo America/Paramaribo America/Punta_Arenas
  America/Recife America/Rosario America/Santarem America/Sao_Paulo Antarctica/Palmer Antarctica/Rothera
  Atlantic/Stanley Brazil/East Etc/GMT+3
STD3:30DST,M3.2.0,M11.1.0
  America/St_Johns Canada/Newfoundland
STD3DST,M3.2.0,M11.1.0
  America/Miquelon
STD4
  America/Anguilla America/Antigua America/Aruba America/Barbados America/Blanc-Sablon America/Boa_Vista
  America/Campo_Grande America/Caracas America/Cuiaba America/Curacao America/Dominica America/Grenada
  America/Guadeloupe America/Guyana America/Kralendijk America/La_Paz America/Lower_Princes America/Manaus
  America/Marigot America/Martinique America/Montserrat America/Port_of_Spain America/Porto_Velho
  America/Puerto_Rico America/Santo_Domingo America/St_Barthelemy America/St_Kitts America/St_Lucia
  America/St_Thomas America/St_Vincent America/Tortola America/Virgin Brazil/West Etc/GMT+4
STD4DST,M3.2.0,M11.1.0
  America/Glace_Bay America/Goose_Bay America/Halifax America/Moncton America/Thule Atlantic/Bermuda Canada/Atlantic
STD4DST,M9.1.6/24,M4.1.6/24
  America/Santiago Chile/Continental
STD5
  America/Atikokan America/Bogota America/Cancun America/Cayman America/Coral_Harbour America/Eirunepe
  America/Guayaquil America/Jamaica America/Lima America/Panama America/Porto_Acre America/Rio_Branco Brazil/Acre
  EST Etc/GMT+5 Jamaica
STD5DST,M3.2.0,M11.1.0
  America/Detroit America/Fort_Wayne America/Grand_Turk America/Indiana/Indianapolis America/Indiana/Marengo
  America/Indiana/Petersburg America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac
  America/Indianapolis America/Iqaluit America/Kentucky/Louisville America/Kentucky/Monticello America/Louisville
  America/Montreal America/Nassau America/New_York America/Nipigon America/Pangnirtung America/Port-au-Prince
  America/Thunder_Bay America/Toronto Canada/Eastern EST5EDT US/East-Indiana US/Eastern US/Michigan
STD5DST,M3.2.0/0,M11.1.0/1
  America/Havana Cuba
STD6
  America/Bahia_Banderas America/Belize America/Chihuahua America/Costa_Rica America/El_Salvador America/Guatemala
  America/Managua America/Merida America/Mexico_City America/Monterrey America/Regina America/Swift_Current
  America/Tegucigalpa Canada/Saskatchewan Etc/GMT+6 Mexico/General Pacific/Galapagos
STD6DST,M3.2.0,M11.1.0
  America/Chicago America/Indiana/Knox America/Indiana/Tell_City America/Knox_IN America/Matamoros America/Menominee
  America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem America/Ojinaga
  America/Rainy_River America/Rankin_Inlet America/Resolute America/Winnipeg CST6CDT Canada/Central US/Central
  US/Indiana-Starke
STD6DST,M9.1.6/22,M4.1.6/22
  Chile/EasterIsland Pacific/Easter
STD7
  America/Creston America/Dawson America/Dawson_Creek America/Fort_Nelson America/Hermosillo America/Mazatlan
  America/Phoenix America/Whitehorse Canada/Yukon Etc/GMT+7 MST Mexico/BajaSur US/Arizona
STD7DST,M3.2.0,M11.1.0
  America/Boise America/Cambridge_Bay America/Ciudad_Juarez America/Denver America/Edmonton America/Inuvik
  America/Shiprock America/Yellowknife Canada/Mountain MST7MDT Navajo US/Mountain
STD8
  Etc/GMT+8 Pacific/Pitcairn
STD8DST,M3.2.0,M11.1.0
  America/Ensenada America/Los_Angeles America/Santa_Isabel America/Tijuana America/Vancouver Canada/Pacific
  Mexico/BajaNorte PST8PDT US/Pacific
STD9
  Etc/GMT+9 Pacific/Gambier
STD9:30
  Pacific/Marquesas
STD9DST,M3.2.0,M11.1.0
  America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat US/Alaska
`;

const parse = (): ReadonlyMap<string, Zone> => {
  const zones = new Map<string, Zone>([["Local", zoneOf("UTC0")]]);
  let zone = zoneOf("UTC0");
  for (const line of RULES.split("\n").filter((text) => text !== "")) {
    if (!line.startsWith(" ")) zone = zoneOf(line);
    else for (const name of line.trim().split(" ")) zones.set(name, zone);
  }
  return zones;
};

/**
 * Time zones by name, with the rules in force since 2025; earlier dates have these rules, too. `Local` is UTC, as in KEDA's
 * container. Those whose changes follow no rule that POSIX can say are left out: Africa/Casablanca, Africa/El_Aaiun,
 * Asia/Gaza and Asia/Hebron.
 * Source: IANA time zone database 2025b, public domain.
 */
export const timeZones = madeOnce(parse);
