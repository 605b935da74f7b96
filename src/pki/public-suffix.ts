// Country codes, and the generic top-level domains under which people are likely to meet a host or a domain.
const topLevel = new Set(
  `ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz ca cc cd cf cg
  ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl
  gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la
  lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr
  nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv
  sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
  academy agency ai app art asia bank bar beer best bio biz blog build business cafe cam camp capital cards care cash center chat
  city cloud club codes coffee com community company computer consulting cool coop dance data day design dev digital direct dog
  domains download earth edu education email energy engineer engineering events exchange expert express family farm fashion film
  finance fit foundation fun fund fyi gallery game games global gmbh gold google gov green group guide guru haus health help host
  hosting house how inc info ing institute int international jobs kim land law legal life link live llc lol love ltd market
  marketing me media mil mobi moe money monster movie name net network new news ninja nexus one online ong onl org page parts
  party pet photo photos pics pizza place plus porn press pro productions properties pub quest radio red rent report rest review
  rip rocks run sale school science security services sex shop show site ski soccer social software solar solutions space store
  stream studio style support surf systems tax team tech technology tel theater tips today tools top tours town toys trade
  training travel tube university video vip vote watch web website wiki win wine work works world wtf xxx xyz yoga zip zone`
    .split(/\s+/)
    .filter((word) => word !== ""),
);

// Under a country code these are for everybody: co.uk, com.au, or.jp, gob.mx and their kin.
const secondLevel = new Set(
  "ac co com ed edu go gob gouv gov gv id ltd me mil ne net nom or org plc sch web".split(" "),
);

// Places where strangers have names beside one another.
const shared = new Set(
  `amazonaws.com appspot.com azure.com azurewebsites.net cloudapp.net cloudfront.net ddns.net duckdns.org dyndns.org dynv6.net
  fly.dev github.io gitlab.io googleusercontent.com herokuapp.com hetzner.cloud linodeusercontent.com myfritz.net netlify.app
  nip.io no-ip.org now.sh onrender.com ovh.net pages.dev scaleway.com scw.cloud sslip.io synology.me traefik.me vercel.app
  workers.dev your-server.de`
    .split(/\s+/)
    .filter((word) => word !== ""),
);

/**
 * Whether strangers can have names under this DNS name, so that a certificate authority must not be allowed all of it.
 *
 * A small rule, not the Public Suffix List: it knows top-level domains, the usual second level of country codes, and a few
 * places where hosts are rented. It cannot know every provider's: there the host's domain may be permitted although neighbours
 * have names in it. That widens what a stolen key can do; it gives nobody a certificate.
 */
export function isPublicSuffix(dnsName: string): boolean {
  const labels = dnsName.split(".");
  const last = labels.at(-1) ?? "";
  if (labels.length === 1) return topLevel.has(last);
  if (labels.length === 2 && last.length === 2 && secondLevel.has(labels[0] ?? "")) return true;
  return labels.some((_, index) => shared.has(labels.slice(index).join(".")));
}
