// The pages of `lre-audit rule CODE`: what a rule says, why that breaks builds or cache hits, an
// example, how to fix it. One file per family.
#ifndef LRE_AUDIT_RULES_PAGES_H_
#define LRE_AUDIT_RULES_PAGES_H_

namespace lre_audit::page {

// pages_elf.cc
extern const char kLre101[], kLre102[], kLre103[], kLre104[], kLre105[], kLre106[], kLre107[];
extern const char kLre113[], kLre117[], kLre118[], kLre119[], kLre120[];

// pages_elf_library.cc
extern const char kLre108[], kLre109[], kLre110[], kLre111[], kLre112[], kLre114[], kLre115[],
    kLre116[];

// pages_file.cc
extern const char kLre201[], kLre202[], kLre203[], kLre204[], kLre205[], kLre206[], kLre207[],
    kLre208[], kLre209[], kLre210[], kLre211[];

// pages_closure.cc
extern const char kLre301[], kLre302[], kLre303[], kLre304[], kLre305[], kLre306[], kLre307[],
    kLre308[];

// pages_image.cc
extern const char kLre401[], kLre402[], kLre403[], kLre404[], kLre405[], kLre406[], kLre407[],
    kLre408[], kLre409[], kLre410[], kLre411[];

// pages_toolchain.cc
extern const char kLre501[], kLre502[], kLre503[], kLre504[], kLre505[], kLre506[], kLre507[],
    kLre508[];

// pages_agreement.cc
extern const char kLre601[], kLre602[], kLre603[], kLre604[], kLre605[], kLre606[], kLre607[],
    kLre608[], kLre609[];

// pages_cache.cc
extern const char kLre701[], kLre702[], kLre703[], kLre704[], kLre724[], kLre705[], kLre706[],
    kLre707[], kLre708[], kLre709[], kLre710[], kLre711[], kLre712[], kLre713[], kLre714[],
    kLre715[], kLre716[], kLre717[], kLre718[], kLre719[], kLre720[], kLre721[], kLre722[],
    kLre723[], kLre725[], kLre726[], kLre727[];

// pages_audit.cc
extern const char kLre901[], kLre902[], kLre903[], kLre904[];

}  // namespace lre_audit::page

#endif  // LRE_AUDIT_RULES_PAGES_H_
