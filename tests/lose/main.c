/* bongsu-lose DIR ID: the index of the node in DIR, which does not run, forgets that object. */
#include <stdio.h>

#include "lose.h"
#include "store/index_lmdb.h"

int main(int argc, char **argv)
{
    struct index *index;
    struct stix_key key;
    char dir[512];
    size_t rows = 0;
    if (argc != 3 || !stix_id_parse(str_of(argv[2]), &key)) {
        (void)fprintf(stderr, "usage: bongsu-lose DIR ID\n");
        return 2;
    }
    (void)snprintf(dir, sizeof dir, "%s/index", argv[1]);
    err_t err = index_lmdb_open(dir, 0, false, &index);
    if (err == ERR_OK) {
        err = lose_object(index, &key, &rows);
        index->ops->close(index);
    }
    (void)printf("%zu rows are gone%s%s\n", rows, err == ERR_OK ? "" : ": ",
                 err == ERR_OK ? "" : err_text(err));
    return err == ERR_OK && rows > 0 ? 0 : 1;
}
