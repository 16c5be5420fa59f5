"""Words and facts that the tasks of the demonstration pool are made of."""

from __future__ import annotations

NAMES = (
    "Amara Bruno Chen Dalia Emil Farah Goran Hana Ivo Jonas Keiko Lucia Mateo Nadia Omar Priya Quentin Rosa"
    " Sven Tomas Uma Viktor Wanda Xenia Yusuf Zoe"
).split()

GOODS = (
    "apples pencils marbles stickers cookies tickets books buttons candles chairs coins eggs flowers lamps"
    " oranges plates postcards seeds shells stamps tiles towels"
).split()

COUNTRIES = tuple(
    tuple(line.split("|"))
    for line in """\
Argentina|Buenos Aires|South America|Spanish|peso
Australia|Canberra|Oceania|English|Australian dollar
Austria|Vienna|Europe|German|euro
Bangladesh|Dhaka|Asia|Bengali|taka
Brazil|Brasilia|South America|Portuguese|real
Cambodia|Phnom Penh|Asia|Khmer|riel
Chile|Santiago|South America|Spanish|peso
China|Beijing|Asia|Mandarin|yuan
Colombia|Bogota|South America|Spanish|peso
Cuba|Havana|North America|Spanish|peso
Denmark|Copenhagen|Europe|Danish|krone
Egypt|Cairo|Africa|Arabic|pound
Estonia|Tallinn|Europe|Estonian|euro
Finland|Helsinki|Europe|Finnish|euro
France|Paris|Europe|French|euro
Germany|Berlin|Europe|German|euro
Ghana|Accra|Africa|English|cedi
Greece|Athens|Europe|Greek|euro
Hungary|Budapest|Europe|Hungarian|forint
Iceland|Reykjavik|Europe|Icelandic|krona
Italy|Rome|Europe|Italian|euro
Jamaica|Kingston|North America|English|Jamaican dollar
Japan|Tokyo|Asia|Japanese|yen
Jordan|Amman|Asia|Arabic|dinar
Laos|Vientiane|Asia|Lao|kip
Latvia|Riga|Europe|Latvian|euro
Mexico|Mexico City|North America|Spanish|peso
Mongolia|Ulaanbaatar|Asia|Mongolian|tugrik
Morocco|Rabat|Africa|Arabic|dirham
Mozambique|Maputo|Africa|Portuguese|metical
Nigeria|Abuja|Africa|English|naira
Norway|Oslo|Europe|Norwegian|krone
Poland|Warsaw|Europe|Polish|zloty
Portugal|Lisbon|Europe|Portuguese|euro
Romania|Bucharest|Europe|Romanian|leu
Senegal|Dakar|Africa|French|CFA franc
Spain|Madrid|Europe|Spanish|euro
Sweden|Stockholm|Europe|Swedish|krona
Thailand|Bangkok|Asia|Thai|baht
Tunisia|Tunis|Africa|Arabic|dinar
Uruguay|Montevideo|South America|Spanish|peso
Vietnam|Hanoi|Asia|Vietnamese|dong
Zambia|Lusaka|Africa|English|kwacha""".splitlines()
)
"""Country, capital, continent, language of its laws, currency."""

LANGUAGES = ("Spanish", "German", "French")
DICTIONARY = {
    english: dict(zip(LANGUAGES, rest.split(), strict=True))
    for english, rest in (
        line.split(" ", 1)
        for line in """\
apple manzana Apfel pomme
bread pan Brot pain
bridge puente Brücke pont
cat gato Katze chat
chair silla Stuhl chaise
cheese queso Käse fromage
city ciudad Stadt ville
cloud nube Wolke nuage
dog perro Hund chien
door puerta Tür porte
fire fuego Feuer feu
fish pez Fisch poisson
flower flor Blume fleur
forest bosque Wald forêt
friend amigo Freund ami
garden jardín Garten jardin
hand mano Hand main
heart corazón Herz cœur
horse caballo Pferd cheval
house casa Haus maison
island isla Insel île
key llave Schlüssel clé
king rey König roi
milk leche Milch lait
moon luna Mond lune
night noche Nacht nuit
rain lluvia Regen pluie
river río Fluss rivière
school escuela Schule école
sea mar Meer mer
snow nieve Schnee neige
star estrella Stern étoile
street calle Straße rue
summer verano Sommer été
sun sol Sonne soleil
table mesa Tisch table
tree árbol Baum arbre
water agua Wasser eau
window ventana Fenster fenêtre
winter invierno Winter hiver""".splitlines()
    )
}
"""English nouns, and their words in other languages."""

UNITS = (
    ("kilometres", "metres", 1000), ("metres", "centimetres", 100), ("hours", "minutes", 60),
    ("kilograms", "grams", 1000), ("litres", "millilitres", 1000), ("minutes", "seconds", 60),
    ("days", "hours", 24), ("weeks", "days", 7), ("feet", "inches", 12),
    ("yards", "feet", 3), ("pounds", "ounces", 16), ("gallons", "quarts", 4),
)  # fmt: skip

LIKED = (
    "arrived early and works perfectly", "feels solid and looks lovely", "was delicious and fairly priced",
    "made my whole week better", "exceeded every hope I had", "is the best I have owned",
)  # fmt: skip
DISLIKED = (
    "broke after two days", "smelled strange and tasted worse", "was late, scratched and overpriced",
    "never worked as promised", "is a waste of money", "left me angry and tired",
)  # fmt: skip
PRODUCTS = (
    "kettle backpack restaurant hotel novel film keyboard umbrella mattress bicycle jacket camera".split()
)

EVENTS = "workshop,rehearsal,budget meeting,training,site visit,interview,hearing,seminar,book club".split(
    ","
)
REASONS = {
    "the train is stuck": "a delay on the railway",
    "my kid is sick": "an illness in the family",
    "the car won't start": "a fault of the car",
    "I totally mixed up the days": "a mistake in the calendar",
    "the boss wants me elsewhere": "another duty at work",
    "my flight got axed": "a cancelled flight",
}
DAYS = "Monday Tuesday Wednesday Thursday Friday".split()

PLACES = "library harbour museum bakery orchard station theatre clinic market observatory".split()
PLANS = {
    "opens a second hall": "is growing", "lowers its prices by a tenth": "becomes cheaper",
    "replaces its old roof": "is being repaired", "trains ten young apprentices": "trains newcomers",
    "stays open until midnight": "keeps longer hours", "now runs on solar power": "turns to solar power",
}  # fmt: skip
