/* Estimated Cortex-M4 cycles and exact stack use of a program running in QEMU, as a TCG plugin (plugin API
 * version 1; tried with QEMU 7.2).
 *
 * Each executed instruction is charged by the table of the Cortex-M4 Technical Reference Manual, section
 * "Processor instructions", zero wait states: 1 for data processing, multiply and SIMD (SMLAD, SXTB16, ...);
 * loads 2, or 1 right behind another load or store (they pipeline); stores 1; LDM/STM/PUSH/POP 1 + registers;
 * LDRD/STRD 3 (2 when pipelined); divide 7 (2..12); a taken branch 1 + 1 (refill 1..3); float add/multiply 1,
 * multiply-accumulate 3, divide and square root 14. It is an estimate: no flash wait states, no bus contention.
 *
 * The instruction SEV marks, once where two are less than APART instructions from each other: each mark executed
 * writes a line "<instructions> <cycles> <address>" to the file `out`, the totals so far, the mark itself included,
 * and the lowest address at or above `stack` to which anything was stored since the mark before. The mark is exact:
 * every instruction is counted as it executes.
 *
 * build: cc -O2 -shared -fPIC -o m4cycles.so m4cycles.c
 * run:   qemu-system-arm ... -plugin file=./m4cycles.so,out=FILE,stack=ADDRESS
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the few declarations of the plugin API that are used here */
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
                                      void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *), int flags, int rw,
                                      void *);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { STORES = 2 };
enum { SEV = 0xbf40 };
enum { APART = 5 };

static uint64_t insns, cycles, refill = 1;
static uint64_t expected_pc; /* where the last instruction falls through to */
static uint64_t marked;      /* instructions up to the last mark */
static uint64_t stack, lowest = UINT64_MAX;
static FILE *out;

struct instruction { uint64_t start, end, cycles; bool marks; };

static int bits(uint32_t x) { return __builtin_popcount(x); }

/* Cycles of one Thumb instruction, and whether it touches memory. */
static int cost(const uint8_t *p, size_t size, bool after_memory, bool *memory)
{
    uint32_t h = p[0] | p[1] << 8;
    *memory = false;
    if (size == 2) {
        if ((h & 0xf800) == 0x4800 || ((h & 0xf000) == 0x5000) || ((h & 0xe000) == 0x6000) || (h & 0xf000) == 0x8000 || (h & 0xf000) == 0x9000) {
            bool load;                                   /* LDR/STR forms */
            if ((h & 0xf000) == 0x5000) load = ((h >> 9) & 7) >= 3;
            else if ((h & 0xf800) == 0x4800) load = true;
            else load = h & 0x0800;
            *memory = true;
            return load ? (after_memory ? 1 : 2) : 1;
        }
        if ((h & 0xf600) == 0xb400) { *memory = true; return 1 + bits(h & 0x1ff); }   /* PUSH, POP */
        if ((h & 0xf000) == 0xc000) { *memory = true; return 1 + bits(h & 0xff); }    /* STM, LDM */
        return 1;
    }
    uint32_t l = p[2] | p[3] << 8;
    if ((h & 0xfe40) == 0xe800 && (h & 0x01b0)) { *memory = true; return 1 + bits(l); } /* LDM, STM (not exclusive) */
    if ((h & 0xfe40) == 0xe840) {                        /* LDRD/STRD, exclusive, TBB/TBH */
        *memory = true;
        if ((h & 0xfff0) == 0xe8d0 && (l & 0xffe0) == 0xf000) return 2 + 2;
        return after_memory ? 2 : 3;
    }
    if ((h & 0xfe00) == 0xf800) { *memory = true; return (h & 0x0010) ? (after_memory ? 1 : 2) : 1; } /* LDR/STR.W */
    if ((h & 0xffd0) == 0xfb90) return 7;                /* SDIV, UDIV */
    if ((h & 0xfe00) == 0xec00) {                        /* VLDR, VSTR, VLDM, VSTM, VMOV pairs */
        if ((h & 0x0fe0) == 0x0c40) return 2;
        *memory = true;
        bool single = (h & 0x0120) == 0x0100;
        return single ? ((h & 0x10) ? (after_memory ? 1 : 2) : 2) : 1 + (l & 0xff);
    }
    if ((h & 0xff00) == 0xee00 && (l & 0x0010) == 0) {   /* float data processing */
        switch (h & 0x00b0) {
        case 0x0000: case 0x0010: case 0x00a0: case 0x0090: return 3;      /* VMLA, VNMLA, VFMA, VFNMA */
        case 0x0080: return 14;                                            /* VDIV */
        case 0x00b0: return (h & 0xf) == 1 && (l & 0xc0) == 0xc0 ? 14 : 1; /* VSQRT among the unary forms */
        }
        return 1;
    }
    return 1;
}

static void on_instruction(unsigned vcpu, void *data)
{
    const struct instruction *i = data;
    if (i->start != expected_pc) cycles += refill;
    expected_pc = i->end;
    insns++;
    cycles += i->cycles;
    if (i->marks && insns - marked >= APART) {
        marked = insns;
        fprintf(out, "%llu %llu %llu\n", (unsigned long long)insns, (unsigned long long)cycles,
                (unsigned long long)lowest);
        fflush(out);
        lowest = UINT64_MAX;
    }
}

static void on_store(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    if (address >= stack && address < lowest) lowest = address;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    bool after = false;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        size_t size = qemu_plugin_insn_size(insn);
        struct instruction *record = calloc(1, sizeof *record); /* as long as the block may run: to the end */
        bool memory;
        record->start = qemu_plugin_insn_vaddr(insn);
        record->end = record->start + size;
        record->cycles = cost(bytes, size, after, &memory);
        record->marks = size == 2 && (bytes[0] | bytes[1] << 8) == SEV;
        after = memory;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, 0, record);
        if (memory) qemu_plugin_register_vcpu_mem_cb(insn, on_store, 0, STORES, NULL);
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
                                                               char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "refill=", 7)) refill = strtoull(argv[i] + 7, NULL, 0);
        if (!strncmp(argv[i], "stack=", 6)) stack = strtoull(argv[i] + 6, NULL, 0);
        if (!strncmp(argv[i], "out=", 4)) out = fopen(argv[i] + 4, "w");
    }
    if (!out) {
        fprintf(stderr, "m4cycles: out=FILE is missing, or cannot be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    return 0;
}
