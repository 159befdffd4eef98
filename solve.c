#include <petscksp.h>
int main(int argc, char** argv) {
  Mat a; Vec x, b; KSP k; DM da; KSPConvergedReason reason; PetscInt its;
  PetscInitialize(&argc, &argv, 0, 0);
  DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 33, 33,
               PETSC_DECIDE, PETSC_DECIDE, 1, 1, 0, 0, &da);
  DMSetUp(da);
  DMCreateMatrix(da, &a);
  DMDALocalInfo info;
  DMDAGetLocalInfo(da, &info);
  for (PetscInt j = info.ys; j < info.ys + info.ym; ++j)
    for (PetscInt i = info.xs; i < info.xs + info.xm; ++i) {
      MatStencil row = {.i = i, .j = j}, col[5];
      PetscScalar v[5];
      PetscInt n = 0;
      col[n] = row; v[n++] = 4;
      if (i > 0) { col[n] = row; col[n].i--; v[n++] = -1; }
      if (i < 32) { col[n] = row; col[n].i++; v[n++] = -1; }
      if (j > 0) { col[n] = row; col[n].j--; v[n++] = -1; }
      if (j < 32) { col[n] = row; col[n].j++; v[n++] = -1; }
      MatSetValuesStencil(a, 1, &row, n, col, v, INSERT_VALUES);
    }
  MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY); MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY);
  DMCreateGlobalVector(da, &x); VecDuplicate(x, &b); VecSet(b, 1);
  KSPCreate(PETSC_COMM_WORLD, &k); KSPSetOperators(k, a, a); KSPSetFromOptions(k);
  KSPSolve(k, b, x); KSPGetConvergedReason(k, &reason); KSPGetIterationNumber(k, &its);
  PetscPrintf(PETSC_COMM_WORLD, "reason %d after %d iterations\n", (int)reason, (int)its);
  return reason > 0 && its < 20 ? 0 : 1;
}
