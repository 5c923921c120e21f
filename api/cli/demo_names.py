"""Names of made-up people and companies, in the scripts that a CRM meets.

How the lists are written: words are separated by white space, `_` stands for a space inside one, `a/b` are the forms
that men and women carry, and `=` is followed by the spelling in ASCII where accents alone don't give it.
"""
# ruff: noqa: RUF001  letters of other scripts look like Latin ones, and are meant

import unicodedata
from functools import cache

from msgspec import Struct

_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae"})


class Word(Struct, frozen=True):
    """A word in its own script, and in ASCII as e-mail addresses have it."""

    text: str
    ascii: str


class Culture(Struct, frozen=True, kw_only=True):
    """How people and companies are called somewhere.

    `companies` are patterns with a place for one of `marks`; `glue` stands between the parts of a person's name,
    `phones` names the ranges (see demo.PHONES) that numbers come from.
    """

    key: str
    weight: int
    men: str
    women: str
    families: str
    marks: str
    companies: str
    titles: str
    family_first: bool = False
    glue: str = " "
    phones: str = "any"

    def given(self, *, female: bool) -> tuple[Word, ...]:
        """Given names."""
        return _words(self.women if female else self.men, 0)

    def family(self, *, female: bool) -> tuple[Word, ...]:
        """Family names, in the form that fits."""
        return _words(self.families, 1 if female else 0)

    def title(self, *, female: bool) -> tuple[Word, ...]:
        """What people are called at work."""
        return _words(self.titles, 1 if female else 0)

    def company(self) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
        """What companies are called: marks, and patterns that take one."""
        return _words(self.marks, 0), _words(self.companies, 0)

    def display(self, given: str, family: str) -> str:
        """Both names, in the order that is usual."""
        return self.glue.join((family, given) if self.family_first else (given, family))


@cache
def _words(text: str, form: int) -> tuple[Word, ...]:
    return tuple(_word(item, form) for item in text.split())


def _word(item: str, form: int) -> Word:
    own, _, latin = item.replace("_", " ").partition("=")
    forms, spelt = own.split("/"), (latin or own).split("/")
    return Word(forms[min(form, len(forms) - 1)], folded(spelt[min(form, len(spelt) - 1)]))


def folded(text: str) -> str:
    """Latin letters without accents, in lower case, other signs as hyphens: "Łódź Nord" is lodz-nord."""
    plain = unicodedata.normalize("NFKD", text.translate(_FOLDED)).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(sign if sign.isalnum() else " " for sign in plain).split())


CULTURES: tuple[Culture, ...] = (
    Culture(
        key="english",
        weight=14,
        men="Oliver George Harry Noah Jack Leo Arthur Samuel Callum Declan Rhys Marcus Tyrone Elijah Caleb Wesley",
        women="""Amelia Isla Ava Grace Freya Harriet Imogen Beatrice Niamh=niamh Siobhán Zoë Chloé Naomi Brianna
            Hazel Tamsin""",
        families="""Ashworth Blackwood Carmichael Dunmore Ellsworth Fairbanks Gallagher Hathaway Ingram Jessop
            Kingsley Langford Merriweather Norwood O'Connell=oconnell Pemberton Quigley Redmond Stanhope
            Thackeray Underhill Vaughan Whitfield Yardley Okafor Osborne MacLeod=macleod Penhaligon Abernathy
            Winslow""",
        marks="""Brightwater Fernhill Kestrel Larkspur Oakhaven Ravensgate Thistledown Wexcombe Silverbrook
            Hollowmere""",
        companies="{}_Ltd {}_Foods_Ltd {}_Logistics_plc {}_Partners_LLP {}_Robotics_Inc. {}_Health_LLC",
        titles="""Purchasing_Manager Chief_Executive Account_Manager Head_of_Marketing Operations_Director
            Office_Manager""",
        phones="gb us",
    ),
    Culture(
        key="german",
        weight=14,
        men="""Jürgen=juergen Björn=bjoern Günther=guenther Lukas Matthias Sebastian Florian Jörg=joerg
            Rüdiger=ruediger Stefan Tobias Uwe Wolfgang Konstantin Maximilian""",
        women="""Käthe=kaethe Jördis=joerdis Annika Brigitte Claudia Franziska Heike Katharina Luise Mareike
            Ursula Theresa Ulrike Sabine Bärbel=baerbel""",
        families="""Müller=mueller Schröder=schroeder Groß=gross Weiß=weiss Köhler=koehler Krüger=krueger
            Böhm=boehm Jäger=jaeger Schäfer=schaefer Vögele=voegele Strauß=strauss Brückner=brueckner Lindemann
            Hoffmann Steinbach Rosenthal Dietrich Baumgartner Zimmermann Falkenberg Hartwig Kessler Neumann
            Pfeiffer Sommer Wagenknecht Übelacker=uebelacker Öttinger=oettinger von_Bergen van_Hoven""",
        marks="""Nordwind Sonnental Tannhof Eisvogel Grünwerk=gruenwerk Rheingold Silberbach Möwe=moewe Lindenau
            Falkenstein""",
        companies="{}_GmbH {}_Logistik_GmbH {}_Maschinenbau_AG {}_&_Söhne_KG {}_Energie_eG {}_Medizintechnik_GmbH",
        titles="""Einkaufsleiter/Einkaufsleiterin Geschäftsführer/Geschäftsführerin Prokurist/Prokuristin
            Leitung_Technik Vertriebsleitung Büroleitung""",
        phones="de",
    ),
    Culture(
        key="french",
        weight=9,
        men="François Rémi Loïc Gaël Benoît Étienne Frédéric Hervé Jérôme Théo Aurélien Mathieu Clément Anaël",
        women="Chloé Zoé Maëlys Françoise Hélène Inès Léa Noémie Océane Aurélie Bénédicte Cécile Élodie Maïté",
        families="""Lefèvre Beauséjour Desprès Château Dupré Fénelon Gaudé Hébert Joncœur=joncoeur Lacombe
            Mériaux Noël Perrault Quénard Rivière Sénéchal Tréville Vallée Bérenger Çoban Delacroix
            d'Aubigné=daubigne Garçon Maréchal Rousselet Thévenin Villeneuve Périgord Montclair L'Hôte=lhote""",
        marks="Soleil Lumière Mistral Garonne Bellerive Hirondelle Cigale Montclair Rosée Étoile",
        companies="{}_SARL Atelier_{} {}_Transports_SA Maison_{} {}_Conseil_SAS Éditions_{}",
        titles="""Directeur_commercial/Directrice_commerciale Responsable_achats Gérant/Gérante Comptable
            Chargé_de_clientèle/Chargée_de_clientèle Directeur_général/Directrice_générale""",
        phones="fr",
    ),
    Culture(
        key="spanish",
        weight=10,
        men="José Íñigo Ramón Andrés Joaquín Nicolás Óscar Sebastián Álvaro Raúl Matías Jesús Hernán Adrián",
        women="María Lucía Inés Begoña Concepción Sofía Mónica Rocío Verónica Núria Ximena Belén Zoraida Asunción",
        families="""García Muñoz Peña Núñez Ibáñez Ordóñez Castañeda Zúñiga Hernández Gutiérrez Domínguez
            Vázquez Cárdenas Beltrán Echeverría Fuentealba Galván Herreros Jiménez Lozano Márquez Olmedo
            Quiñones Ríos Sepúlveda Toribio Urrutia Villaseñor Yáñez Zaldívar""",
        marks="Sierra_Clara Olivar Brisamar Cantábrico Girasol Almendro Río_Verde Montaña Faro_Azul Peñalba",
        companies="{}_S.L. {}_Alimentos_S.A. Transportes_{} {}_Ingeniería Grupo_{} Clínica_{}",
        titles="""Jefe_de_compras/Jefa_de_compras Director_comercial/Directora_comercial Gerente
            Responsable_de_ventas Administrador/Administradora Consejero_delegado/Consejera_delegada""",
    ),
    Culture(
        key="polish",
        weight=7,
        men="Łukasz Michał Paweł Rafał Stanisław Zbigniew Wojciech Grzegorz Jędrzej Mikołaj Sławomir Tadeusz",
        women="""Małgorzata Agnieszka Żaneta Bożena Elżbieta Grażyna Joanna Katarzyna Łucja Świętosława Zofia
            Wiesława""",
        families="""Wiśniewski/Wiśniewska Kowalczyk Wójcik Zieliński/Zielińska Szymański/Szymańska
            Dąbrowski/Dąbrowska Kozłowski/Kozłowska Jabłoński/Jabłońska Krawczyk Piątek Grabowski/Grabowska Król
            Wróbel Łuczak Źrebiec Górski/Górska Witkowski/Witkowska Sikora Baran Rutkowski/Rutkowska
            Szczepański/Szczepańska Głowacki/Głowacka Żak Mróz Ostrowski/Ostrowska Chmiel Błaszczyk Ćwikła Pająk
            Zawiślak""",
        marks="Wisła Bursztyn Żubr Dąbrowa Jaskółka Łąka Świt Tatry_Plus Bałtyk Złotokłos",
        companies="{}_Sp._z_o.o. {}_Transport_S.A. Zakłady_{} {}_Meble {}_Farma_S.A. Hurtownia_{}",
        titles="Dyrektor_handlowy Kierownik_zakupów Prezes_zarządu Księgowy/Księgowa Właściciel/Właścicielka",
    ),
    Culture(
        key="turkish",
        weight=5,
        men="Çağrı Oğuz Şükrü Ümit Yiğit Barış Doğan Işık İlker=ilker Kağan Mustafa Özgür",
        women="Ayşe Çiğdem Gülşen Işıl İpek=ipek Özlem Şebnem Tuğçe Ülkü Yağmur Zeynep Nazlı",
        families="""Yılmaz Öztürk Şahin Çelik Yıldız Yıldırım Aydın Özdemir Arslan Doğan Kılıç Çetin Koç Kurt
            Özkan Şimşek Polat Erdoğmuş Güneş Aksoy Bozkurt Taş Keskin Ünal Turan Gül Avcı Işık Bulut Uçar""",
        marks="Anka Boğaz Çınar Güneş Kardelen Lale Şafak Yıldız Pınar Ilgaz",
        companies="{}_A.Ş. {}_Gıda_Ltd._Şti. {}_Tekstil_A.Ş. {}_İnşaat {}_Lojistik {}_Sağlık",
        titles="Satın_Alma_Müdürü Genel_Müdür Satış_Temsilcisi Pazarlama_Müdürü Muhasebe_Sorumlusu Kurucu",
    ),
    Culture(
        key="vietnamese",
        weight=5,
        men="Văn_An Minh_Đức Quốc_Bảo Đình_Khôi Hữu_Nghĩa Thành_Long Tuấn_Kiệt Việt_Hùng Gia_Huy Hoàng_Phúc",
        women="Thị_Mai Ngọc_Ánh Thùy_Dương Bích_Hằng Khánh_Linh Mỹ_Duyên Phương_Thảo Quỳnh_Như Thanh_Trúc Yến_Nhi",
        families="""Nguyễn Trần Lê Phạm Huỳnh Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đoàn Vương Trịnh
            Trương Đinh Lâm Phùng Mai Tô Hà Tạ Cao Thái""",
        marks="Sen_Vàng Hạ_Long Sông_Hồng Mặt_Trời Tre_Xanh Phượng_Hoàng Bình_Minh Cửu_Long",
        companies="Công_ty_TNHH_{} {}_Logistics Dệt_may_{} Thực_phẩm_{} Xây_dựng_{} Dược_phẩm_{}",
        titles="Giám_đốc_điều_hành Trưởng_phòng_mua_hàng Trưởng_phòng_kinh_doanh Kế_toán_trưởng Trợ_lý_giám_đốc",
        family_first=True,
    ),
    Culture(
        key="nordic",
        weight=6,
        men="Åke Björn Göran Håkan Jørgen Kåre Lars Mårten Øyvind Søren Torbjørn Ragnar Þór=thor Ásgeir",
        women="Åsa Bodil Frøya Gudrún Hjørdis Ingrid Kjerstin Märta Ragnhild Sigrún Solveig Tuulikki Øydis Ylva",
        families="""Åkerström Bjørnstad Söderberg Østergaard Lindqvist Håkansson Nygård Sjöström
            Kjærgaard=kjaergaard Fjeldsted Hägg Jönsson Rønning Dahlgren Ekström Grønvold Hällström Isaksen
            Kvist Löfgren Mäkinen Nyström Ødegård Pålsson Rautavaara Skogsberg Tjørnhøj Väisänen Wikström Årdal""",
        marks="Granvik Nordlys Blåklint Skärgård Lyngfisk Havørn Björkdal Isfjord",
        companies="{}_AB {}_AS {}_Shipping_A/S {}_Energi_AB {}_Design_ApS {}_Oy",
        titles="Inköpschef Verkställande_direktör Salgssjef Marknadsansvarig Ekonomichef Kundeansvarlig",
        phones="se",
    ),
    Culture(
        key="russian",
        weight=6,
        men="""Александр=aleksandr Дмитрий=dmitry Сергей=sergey Фёдор=fyodor Николай=nikolay Юрий=yury
            Михаил=mikhail Алексей=alexey Вячеслав=vyacheslav Григорий=grigory Пётр=pyotr Илья=ilya""",
        women="""Анна=anna Екатерина=ekaterina Ольга=olga Наталья=natalya Светлана=svetlana Юлия=yulia
            Елена=elena Людмила=lyudmila Марина=marina Ксения=ksenia Полина=polina Вера=vera""",
        families="""Иванов/Иванова=ivanov/ivanova Кузнецов/Кузнецова=kuznetsov/kuznetsova
            Соколов/Соколова=sokolov/sokolova Лебедев/Лебедева=lebedev/lebedeva Козлов/Козлова=kozlov/kozlova
            Новиков/Новикова=novikov/novikova Морозов/Морозова=morozov/morozova Волков/Волкова=volkov/volkova
            Зайцев/Зайцева=zaytsev/zaytseva Воробьёв/Воробьёва=vorobyov/vorobyova
            Щербаков/Щербакова=shcherbakov/shcherbakova Ковальчук=kovalchuk Жуков/Жукова=zhukov/zhukova
            Чайкин/Чайкина=chaykin/chaykina Шевченко=shevchenko Орлов/Орлова=orlov/orlova
            Белов/Белова=belov/belova Юдин/Юдина=yudin/yudina Тихомиров/Тихомирова=tikhomirov/tikhomirova
            Яковлев/Яковлева=yakovlev/yakovleva Крылов/Крылова=krylov/krylova Гусев/Гусева=gusev/guseva
            Поляков/Полякова=polyakov/polyakova Цветков/Цветкова=tsvetkov/tsvetkova""",
        marks="""Северный_ветер=severny-veter Полюс=polyus Берёзка=beryozka Восход=voskhod Журавль=zhuravl
            Янтарь=yantar Метелица=metelitsa Родник=rodnik""",
        companies="ООО_«{}»= АО_«{}_Транс»=trans ООО_«{}_Сервис»=servis ЗАО_«{}_Фарм»=farm ООО_«{}_Строй»=stroy",
        titles="Генеральный_директор Менеджер_по_закупкам Главный_бухгалтер Руководитель_отдела_продаж Инженер",
    ),
    Culture(
        key="greek",
        weight=4,
        men="""Γιώργος=giorgos Νίκος=nikos Δημήτρης=dimitris Κώστας=kostas Χρήστος=christos Σπύρος=spyros
            Θανάσης=thanasis Αλέξανδρος=alexandros Ηλίας=ilias Παναγιώτης=panagiotis""",
        women="""Μαρία=maria Ελένη=eleni Κατερίνα=katerina Βασιλική=vasiliki Σοφία=sofia Αγγελική=angeliki
            Ευαγγελία=evangelia Ιωάννα=ioanna Δέσποινα=despina Χριστίνα=christina""",
        families="""Παπαδόπουλος/Παπαδοπούλου=papadopoulos/papadopoulou Οικονόμου=oikonomou Γεωργίου=georgiou
            Καραγιάννης/Καραγιάννη=karagiannis/karagianni Αγγελόπουλος/Αγγελοπούλου=angelopoulos/angelopoulou
            Μακρής/Μακρή=makris/makri Βλάχος/Βλάχου=vlachos/vlachou Δημητρίου=dimitriou
            Θεοδωρίδης/Θεοδωρίδου=theodoridis/theodoridou Καλογεράκης/Καλογεράκη=kalogerakis/kalogeraki
            Λαμπρόπουλος/Λαμπροπούλου=lampropoulos/lampropoulou Ξενάκης/Ξενάκη=xenakis/xenaki
            Ψαρρός/Ψαρρού=psarros/psarrou Φωτιάδης/Φωτιάδου=fotiadis/fotiadou Χατζής/Χατζή=chatzis/chatzi
            Σταθάκης/Σταθάκη=stathakis/stathaki Ρήγας/Ρήγα=rigas/riga Νικολάου=nikolaou""",
        marks="Αιγαίο=aigaio Ελιά=elia Ήλιος=ilios Θάλασσα=thalassa Μελίσσι=melissi Δελφίνι=delfini",
        companies="{}_Α.Ε.= {}_Ναυτιλιακή=naftiliaki {}_Τρόφιμα=trofima {}_Τουριστική=touristiki",
        titles="""Υπεύθυνος_Προμηθειών/Υπεύθυνη_Προμηθειών Διευθυντής_Πωλήσεων/Διευθύντρια_Πωλήσεων
            Λογιστής/Λογίστρια""",
    ),
    Culture(
        key="arabic",
        weight=5,
        men="""محمد=mohammed أحمد=ahmed خالد=khaled يوسف=yousef عمر=omar طارق=tariq سامي=sami إبراهيم=ibrahim
            فيصل=faisal حسن=hassan رامي=rami زياد=ziad""",
        women="""فاطمة=fatima ليلى=layla نور=nour مريم=maryam سلمى=salma هدى=huda رنا=rana دينا=dina أمل=amal
            ياسمين=yasmin سارة=sara هالة=hala""",
        families="""الخطيب=alkhatib النجار=alnajjar حداد=haddad منصور=mansour الشريف=alsharif العلي=alali
            قاسم=qasim درويش=darwish الزهراني=alzahrani البغدادي=albaghdadi صالح=saleh حمدان=hamdan
            الحسيني=alhusseini شاهين=shaheen عبد_الله=abdullah المصري=almasri نصار=nassar الفارس=alfares
            بركات=barakat الصباغ=alsabbagh خوري=khoury الطويل=altawil زيدان=zidan القحطاني=alqahtani""",
        marks="النور=alnour الواحة=alwaha الصقر=alsaqr الياسمين=alyasmin الفجر=alfajr النخيل=alnakheel",
        companies="""شركة_{}_للتجارة=trading {}_للأغذية=foods {}_للنقل=transport مجموعة_{}=group
            {}_للمقاولات=contracting""",
        titles="""مدير_المشتريات/مديرة_المشتريات مدير_التسويق/مديرة_التسويق محاسب/محاسبة
            مدير_المبيعات/مديرة_المبيعات""",
    ),
    Culture(
        key="hebrew",
        weight=3,
        men="דוד=david יוסף=yosef משה=moshe איתן=eitan נועם=noam אורי=uri גיל=gil עמית=amit אלון=alon רון=ron",
        women="""נועה=noa שירה=shira תמר=tamar יעל=yael מיכל=michal רחל=rachel אביגיל=avigail הדס=hadas
            ליאת=liat דנה=dana""",
        families="""כהן=cohen לוי=levi מזרחי=mizrahi פרץ=peretz ביטון=biton אברהם=avraham פרידמן=friedman
            שפירא=shapira גולן=golan ברק=barak חדד=hadad אזולאי=azoulay רוזנברג=rosenberg קפלן=kaplan
            שרון=sharon דיין=dayan הררי=harari צור=tzur גבאי=gabay מלכה=malka""",
        marks="ארז=erez גלים=galim תבור=tavor רימון=rimon שחר=shahar",
        companies="{}_בע״מ= {}_מזון=mazon {}_טכנולוגיות=technologies {}_הנדסה=engineering",
        titles="מנכ״ל/מנכ״לית מנהל_רכש/מנהלת_רכש חשב/חשבת",
    ),
    Culture(
        key="chinese",
        weight=6,
        men="""伟=wei 强=qiang 磊=lei 建国=jianguo 志明=zhiming 俊杰=junjie 浩然=haoran 文博=wenbo 国栋=guodong
            宇轩=yuxuan""",
        women="""芳=fang 娜=na 秀英=xiuying 丽华=lihua 雪梅=xuemei 思雨=siyu 佳怡=jiayi 晓燕=xiaoyan
            梦瑶=mengyao 静=jing""",
        families="""王=wang 李=li 张=zhang 刘=liu 陈=chen 杨=yang 赵=zhao 黄=huang 周=zhou 吴=wu 徐=xu 孙=sun
            胡=hu 朱=zhu 高=gao 林=lin 何=he 郭=guo 马=ma 罗=luo 梁=liang 宋=song 郑=zheng 谢=xie 韩=han 唐=tang
            冯=feng 于=yu 董=dong 欧阳=ouyang""",
        marks="华星=huaxing 东海=donghai 金龙=jinlong 云峰=yunfeng 明月=mingyue 长青=changqing",
        companies="{}科技有限公司=keji {}食品有限公司=shipin {}物流集团=wuliu {}电子有限公司=dianzi {}医药=yiyao",
        titles="总经理 采购经理 销售总监 市场经理 财务主管",
        family_first=True,
        glue="",
    ),
    Culture(
        key="japanese",
        weight=6,
        men="""太郎=taro 健一=kenichi 翔太=shota 大輔=daisuke 拓也=takuya 誠=makoto 浩二=koji 蓮=ren 直樹=naoki
            隆=takashi""",
        women="""花子=hanako 美咲=misaki さくら=sakura 陽子=yoko 由美=yumi 恵子=keiko 葵=aoi 結衣=yui
            千尋=chihiro あかり=akari""",
        families="""佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka 伊藤=ito 渡辺=watanabe 山本=yamamoto
            中村=nakamura 小林=kobayashi 加藤=kato 吉田=yoshida 山田=yamada 佐々木=sasaki 松本=matsumoto
            井上=inoue 木村=kimura 清水=shimizu 斎藤=saito 森=mori 池田=ikeda 橋本=hashimoto 石川=ishikawa
            小川=ogawa 岡田=okada 藤井=fujii 西村=nishimura 三浦=miura 上野=ueno 今井=imai 河野=kono""",
        marks="東海=tokai 青葉=aoba 富岳=fugaku 桜井=sakurai サンライズ=sunrise みなと=minato",
        companies="""{}電機株式会社=denki 株式会社{}物流=butsuryu {}食品株式会社=shokuhin
            株式会社{}デザイン=design {}製薬=seiyaku""",
        titles="代表取締役 購買部長 営業部長 マーケティング担当 経理課長",
        family_first=True,
    ),
    Culture(
        key="korean",
        weight=4,
        men="""민준=minjun 서준=seojun 도윤=doyun 지훈=jihun 현우=hyunwoo 성호=seongho 준영=junyoung
            동현=donghyun 태민=taemin""",
        women="""서연=seoyeon 지우=jiwoo 수빈=subin 하은=haeun 민지=minji 은영=eunyoung 유진=yujin 혜진=hyejin
            미경=migyeong""",
        families="""김=kim 이=lee 박=park 최=choi 정=jung 강=kang 조=cho 윤=yoon 장=jang 임=lim 한=han 오=oh
            서=seo 신=shin 권=kwon 황=hwang 안=ahn 송=song 류=ryu 홍=hong 남궁=namgung""",
        marks="한빛=hanbit 무지개=mujigae 새봄=saebom 가온=gaon 다솜=dasom",
        companies="{}전자=jeonja 주식회사_{}=co {}물류=mullyu {}식품=sikpum",
        titles="대표이사 구매팀장 영업이사 마케팅_매니저 경리과장",
        family_first=True,
        glue="",
    ),
    Culture(
        key="hindi",
        weight=5,
        men="""अमित=amit राहुल=rahul विक्रम=vikram संजय=sanjay अर्जुन=arjun रोहित=rohit सुरेश=suresh मनोज=manoj
            कृष्ण=krishna दीपक=deepak""",
        women="""प्रिया=priya अंजलि=anjali नेहा=neha सुनीता=sunita पूजा=pooja कविता=kavita मीरा=meera
            लक्ष्मी=lakshmi श्रेया=shreya राधा=radha""",
        families="""शर्मा=sharma वर्मा=verma गुप्ता=gupta सिंह=singh पटेल=patel मिश्रा=mishra त्रिवेदी=trivedi
            जोशी=joshi यादव=yadav अग्रवाल=agarwal चौधरी=chaudhary मेहता=mehta श्रीवास्तव=srivastava पांडे=pandey
            सक्सेना=saxena द्विवेदी=dwivedi ठाकुर=thakur कुलकर्णी=kulkarni देशमुख=deshmukh भट्ट=bhatt""",
        marks="सूर्योदय=suryoday गंगा=ganga कमल=kamal हिमालय=himalaya दीपज्योति=deepjyoti",
        companies="{}_प्राइवेट_लिमिटेड=pvt {}_उद्योग=udyog {}_ट्रेडर्स=traders {}_फार्मा=pharma",
        titles="प्रबंध_निदेशक क्रय_प्रबंधक विक्रय_प्रबंधक मुख्य_लेखाकार",
    ),
)
"""Every culture; `weight` is how many of a hundred or so contacts come from it."""
